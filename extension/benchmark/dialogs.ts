import { Uri, window, workspace } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import type { BenchmarkReport } from '../../shared/api.ts';
import type { ExportFormat, RunSummary, StoredRun } from '../../shared/benchmark/protocol.ts';
import { subjectTitle } from '../../shared/benchmark/titles.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import { slug } from '../../shared/names.ts';
import { confirmed } from '../messages.ts';
import { readUri } from '../readUri.ts';
import { localPath, onThisComputer, placeText } from '../remote.ts';
import { writeAtomically } from '../save.ts';
import { EXPORTS } from './export.ts';
import { MAX_REPORT_BYTES, readReport } from './readReport.ts';

/** Asks for a model folder; its path, or undefined if the user cancelled. */
export async function pickModelFolder(): Promise<string | undefined> {
  const options = {
    ...onThisComputer(),
    canSelectFolders: true,
    canSelectFiles: false,
    title: 'Model Folder',
  };
  const [folder] = (await window.showOpenDialog(options)) ?? [];
  return folder && localPath(folder);
}

/** Asks for the picture file of a mask. */
export async function pickMaskFile(): Promise<string | undefined> {
  const filters = { Images: ['png', 'webp', 'jpg', 'jpeg'] };
  const [file] = (await window.showOpenDialog({ filters, title: 'Mask' })) ?? [];
  return file && placeText(file);
}

/** Asks for confirmation before a run is deleted, which cannot be undone. */
export async function confirmDelete(run: RunSummary): Promise<boolean> {
  const when = new Date(run.date).toLocaleString();
  return await confirmed(`Delete the run of ${subjectTitle(run)} from ${when}?`, 'Delete');
}

/** Asks where to write runs, and writes them; their place, or undefined if the user cancelled. */
export async function exportRuns(
  runs: readonly StoredRun[],
  format: ExportFormat,
): Promise<string | undefined> {
  const [first] = runs;
  if (!first) throw new InputError('Choose a run to export first.');
  const { title, ending, write } = EXPORTS[format];
  const name = exportName(first, ending);
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const target = await window.showSaveDialog({
    ...(folder && { defaultUri: Uri.joinPath(folder, name) }),
    filters: { [title]: [ending] },
    title: `Export as ${title}`,
  });
  if (!target) return undefined;
  // The dialog has already asked whether to replace an existing file.
  await writeAtomically(workspace.fs, target, new TextEncoder().encode(write(runs)), { overwrite: true });
  return workspace.asRelativePath(target);
}

/** A file name for a run: the model's name may be that of a repository, or anything in a run that was imported. */
export function exportName({ report: { model, date } }: StoredRun, ending: string): string {
  return `patchwork-${slug(modelTitle(model))}-${date.slice(0, 10)}.${ending}`;
}

/** Asks for the JSON of a run. @throws InputError if it is none */
export async function importRun(): Promise<{ report: BenchmarkReport; name: string } | undefined> {
  const [file] = (await window.showOpenDialog({ filters: { JSON: ['json'] }, title: 'Import Run' })) ?? [];
  if (!file) return undefined;
  const name = workspace.asRelativePath(file);
  return { report: readReport(await readUri(file, MAX_REPORT_BYTES), name), name };
}
