import { stat } from 'node:fs/promises';
import path from 'node:path';
import { embeddedModel } from '../../engine/models/embedded.ts';

/** Whether the network that turns clicks into masks came with Patchwork. */
export async function canSelect(): Promise<boolean> {
  const folder = path.join(embeddedModel('sight'), 'segmenter');
  return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}
