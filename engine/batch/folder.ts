import * as z from 'zod';
import { fs, path } from '#host';
import type { GenerateRequest } from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { randomSeed, seedsFrom } from '../../shared/seed.ts';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import { readOptionalJson } from '../json.ts';
import { placeOfModel } from '../models/open.ts';
import { isPng } from '../pictures/png-chunks.ts';
import { decodePicture } from '../pictures/read.ts';
import { writePicture } from '../pictures/write.ts';
import { type ReadPrompts, readPrompts } from '../pipelines/prompts.ts';

/** Settings that the images of a batch share. */
type BatchSettings = Omit<
  GenerateRequest,
  'prompt' | 'seed' | 'threads' | 'workers' | 'bus' | 'patch' | 'previews' | 'remember'
>;

/** A batch generates every prompt `count` times, with different seeds. */
export interface BatchPlan {
  prompts: readonly string[];
  count: number;
  /** First seed of each prompt; random if absent. */
  seed?: number;
  settings: BatchSettings;
}

/** One image of a batch. */
interface BatchItem {
  /** File name in the batch's folder. */
  file: string;
  prompt: string;
  seed: number;
}

/** Pictures of one batch. */
export const MAX_ITEMS = 10_000;
const MAX_MANIFEST_BYTES = 128 << 20;
const NAME = 'batch.json';

const manifestSchema = z.object({
  patchwork: z.literal('batch'),
  id: z.uuid(),
  plan: z.object({
    prompts: z.array(z.string()).min(1).max(MAX_ITEMS),
    count: z.number().int().min(1).max(MAX_ITEMS),
    seed: z.number().optional(),
    settings: z.record(z.string(), z.unknown()),
  }),
  items: z
    .array(
      z.object({
        file: z.string().regex(/^\d{1,8}\.png$/),
        prompt: z.string(),
        seed: z.number().int().min(LIMITS.seed.min).max(LIMITS.seed.max),
      }),
    )
    .min(1)
    .max(MAX_ITEMS),
});

/**
 * The folder of a batch: its images, and `batch.json`, which lists them. Running the same batch again generates the
 * missing ones.
 */
export class BatchFolder {
  readonly folder: string;
  /** Identifies the batch on every machine that works on it. */
  readonly id: string;
  readonly items: readonly BatchItem[];
  readonly settings: BatchSettings;

  private constructor(folder: string, id: string, items: readonly BatchItem[], settings: BatchSettings) {
    this.folder = folder;
    this.id = id;
    this.items = items;
    this.settings = settings;
  }

  /**
   * Starts a batch in a folder, which is created if it is missing, or resumes it.
   * @throws InputError if the folder contains a different batch, or cannot be written.
   */
  static async open(folder: string, plan: BatchPlan): Promise<BatchFolder> {
    const { prompts, count, seed, settings } = plan;
    if (prompts.length * count > MAX_ITEMS)
      throw new InputError(`A batch has at most ${MAX_ITEMS} images, not ${prompts.length * count}.`);
    const manifest = path.join(folder, NAME);
    const written = JSON.parse(JSON.stringify({ prompts, count, seed, settings }));
    const found = await readOptionalJson(manifest, { most: MAX_MANIFEST_BYTES });
    if (found !== undefined) {
      const known = manifestSchema.safeParse(found);
      if (!known.success) throw new InputError(`${manifest} is not a batch of Patchwork.`);
      if (canonical(known.data.plan) !== canonical(written))
        throw new InputError(
          `${folder} contains a different batch. Use another folder, or the original prompts and settings.`,
        );
      return new BatchFolder(folder, known.data.id, known.data.items, settings);
    }
    const first = seed ?? randomSeed();
    const items = prompts.flatMap((prompt) => seedsFrom(first, count).map((seed) => ({ prompt, seed })));
    const digits = Math.max(4, String(items.length).length);
    const named = items.map((item, i) => ({ file: `${String(i + 1).padStart(digits, '0')}.png`, ...item }));
    const id = crypto.randomUUID();
    await fs.mkdir(folder).catch((error: unknown) => {
      throw writeError(folder, error);
    });
    const text = `${JSON.stringify({ patchwork: 'batch', id, plan: written, items: named }, undefined, 1)}\n`;
    await fs.writeAtomically(manifest, (writer) => writer.write(text));
    return new BatchFolder(folder, id, named, settings);
  }

  /** Indexes of the items whose images are not saved yet. */
  async missing(): Promise<number[]> {
    const saved = await Promise.all(this.items.map(({ file }) => fs.exists(path.join(this.folder, file))));
    return [...saved.keys()].filter((item) => !saved[item]);
  }

  /** The request that generates an item. */
  request(item: number): GenerateRequest {
    const { prompt, seed } = this.items[item]!;
    return { ...this.settings, prompt, seed };
  }

  /** The same with its prompts read: the choices of its seed made, the words of a style added. */
  async read(item: number): Promise<ReadPrompts<GenerateRequest>> {
    return readPrompts(this.request(item), await placeOfModel(this.settings.model));
  }

  /**
   * Saves an item's image, complete or not at all. @throws InputError if it is not what the item asked for: images come
   * from other machines and are not trusted.
   */
  async save(item: number, png: Uint8Array): Promise<string> {
    const { file, seed } = this.items[item]!;
    if (!isPng(png)) throw new InputError(`The image received for ${file} is not a PNG file.`);
    const { width, height, recipe } = await decodePicture(png, `The image received for ${file}`);
    const { width: wide = width, height: high = height } = this.settings;
    if (width !== wide || height !== high)
      throw new InputError(
        `The image received for ${file} has ${width}×${height} pixels, not ${wide}×${high}.`,
      );
    const read = (await this.read(item)).request.prompt;
    if (recipe?.seed !== seed || recipe.prompt !== read)
      throw new InputError(`The image received for ${file} has another prompt or seed.`);
    const target = path.join(this.folder, file);
    await writePicture(target, png);
    return target;
  }
}

/** Text that is the same for the same settings, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a.localeCompare(b)))
      : inner,
  );
}
