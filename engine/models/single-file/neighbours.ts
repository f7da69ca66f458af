import { fs, path } from '#host';
import { TENSOR_FILE } from '../../weights/tensor-file.ts';

/** Folders in which ComfyUI, A1111, InvokeAI and others keep autoencoders, beside those of checkpoints. */
const AUTOENCODER_FOLDERS = ['VAE', 'vae'];

/** How far above a checkpoint the folder of all models may be. */
const LEVELS = 3;

/**
 * The autoencoder that other tools would take for a checkpoint without one: a file of its name with `.vae`, else the only one
 * of the usual folders that `suits`.
 * @returns the one to take, and all that were seen
 */
export async function neighbouringAutoencoder(
  checkpoint: string,
  suits: RegExp,
): Promise<{ chosen?: string; seen: string[] }> {
  const folder = path.dirname(checkpoint);
  const stem = path.basename(checkpoint).replace(/\.\w+$/, '');
  const own = (await list(folder)).find((name) => name.startsWith(`${stem}.vae.`) && TENSOR_FILE.test(name));
  if (own) return { chosen: path.join(folder, own), seen: [] };
  const seen = await inUsualFolders(folder);
  const suitable = seen.filter((file) => suits.test(path.basename(file)));
  const [best] =
    suitable.length === 1 ? suitable : suitable.filter((file) => /vae-ft-mse|sdxl_vae/i.test(file));
  return { ...(best && { chosen: best }), seen };
}

async function inUsualFolders(start: string): Promise<string[]> {
  let folder = start;
  for (let level = 0; level < LEVELS; level++) {
    folder = path.dirname(folder);
    const names = await list(folder);
    const kept = AUTOENCODER_FOLDERS.filter((name) => names.includes(name)).map((name) =>
      path.join(folder, name),
    );
    const files = await Promise.all(
      kept.map(async (place) =>
        (await list(place)).filter((name) => TENSOR_FILE.test(name)).map((name) => path.join(place, name)),
      ),
    );
    if (kept.length > 0) return files.flat();
  }
  return [];
}

async function list(folder: string): Promise<string[]> {
  return (await fs.readdir(folder).catch(() => [])).sort();
}
