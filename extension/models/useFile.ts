import { Uri, window } from 'vscode';
import type { Purpose } from '../../engine/models/catalogue.ts';
import { purposeOfFile } from '../../engine/models/file-purpose.ts';
import { localPath, onThisComputer } from '../remote.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { MODEL_ENDINGS } from './chooseFile.ts';
import { useModel } from './chosen.ts';

/** *Use as Model*: a file of the explorer, or one that is chosen, becomes the model; a LoRA file or a VAE is used as such. */
export async function useAsModel({ log }: Services, asked: unknown): Promise<void> {
  const file = asked instanceof Uri ? asked : await chosen();
  if (!file) return;
  try {
    await useFile(localPath(file));
  } catch (error) {
    await reportError(log, error);
  }
}

async function chosen(): Promise<Uri | undefined> {
  const [file] =
    (await window.showOpenDialog({
      ...onThisComputer(),
      title: 'File of a Model',
      openLabel: 'Use',
      filters: { Models: MODEL_ENDINGS },
    })) ?? [];
  return file;
}

/** Refuses it here rather than at the next image. */
async function useFile(file: string): Promise<void> {
  const purpose: Purpose = await purposeOfFile(file);
  await useModel(file, purpose);
}
