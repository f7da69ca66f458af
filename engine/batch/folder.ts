import * as z from 'zod';
import { fs, path } from '#host';
import type { GenerateRequest } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import { readOptionalJson } from '../json.ts';
import { isPng } from '../pictures/png-text.ts';
import { decodePicture } from '../pictures/read.ts';
import { writePicture } from '../pictures/write.ts';
import { LIMITS } from '../pipelines/request.ts';

/** What the pictures of a batch have in common. */
export type BatchSettings = Omit<
  GenerateRequest,
  'prompt' | 'seed' | 'threads' | 'workers' | 'bus' | 'patch' | 'previews' | 'remember'
>;

/** What a batch draws: every prompt `count` times, with other seeds. */
export interface BatchPlan {
  prompts: readonly string[];
  count: number;
  /** The first seed of each prompt; drawn at random if absent. */
  seed?: number;
  settings: BatchSettings;
}

/** One picture of a batch. */
export interface BatchItem {
  /** Name of its file in the batch's folder. */
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
        seed: z
          .number()
          .int()
          .min(0)
          .max(2 ** 32 - 1),
      }),
    )
    .min(1)
    .max(MAX_ITEMS),
});

/**
 * A folder that a batch's pictures are saved in, with `batch.json`, which says what they are: whoever runs the same batch
 * again goes on with those that are missing.
 */
export class BatchFolder {
  readonly folder: string;
  /** Names the batch wherever its pictures are drawn. */
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
   * Begins a batch in a folder, which is made where it is missing, or goes on with it.
   * @throws InputError if the folder holds another batch, or cannot be written.
   */
  static async open(folder: string, plan: BatchPlan): Promise<BatchFolder> {
    const { prompts, count, seed, settings } = plan;
    if (prompts.length * count > MAX_ITEMS)
      throw new InputError(`A batch has ${MAX_ITEMS} pictures at most, not ${prompts.length * count}.`);
    const manifest = path.join(folder, NAME);
    const written = JSON.parse(JSON.stringify({ prompts, count, seed, settings }));
    const found = await readOptionalJson(manifest, { most: MAX_MANIFEST_BYTES });
    if (found !== undefined) {
      const known = manifestSchema.safeParse(found);
      if (!known.success) throw new InputError(`${manifest} is not a batch of Patchwork.`);
      if (canonical(known.data.plan) !== canonical(written))
        throw new InputError(
          `${folder} holds another batch: give another folder, or the prompts and settings that it was begun with.`,
        );
      return new BatchFolder(folder, known.data.id, known.data.items, settings);
    }
    const first = seed ?? Math.floor(Math.random() * (LIMITS.seed.max + 1));
    const items = prompts.flatMap((prompt) =>
      Array.from({ length: count }, (_, k) => ({ prompt, seed: (first + k) % (LIMITS.seed.max + 1) })),
    );
    const digits = Math.max(4, String(items.length).length);
    const named = items.map((item, i) => ({ file: `${String(i + 1).padStart(digits, '0')}.png`, ...item }));
    const id = crypto.randomUUID();
    await fs.mkdir(folder).catch((error: unknown) => {
      throw new InputError(`${folder} cannot be made.`, { cause: error });
    });
    const text = `${JSON.stringify({ patchwork: 'batch', id, plan: written, items: named }, undefined, 1)}\n`;
    await fs.writeAtomically(manifest, (writer) => writer.write(text));
    return new BatchFolder(folder, id, named, settings);
  }

  /** Which items' pictures are not saved yet, by their place. */
  async missing(): Promise<number[]> {
    const saved = await Promise.all(this.items.map(({ file }) => fs.exists(path.join(this.folder, file))));
    return [...saved.keys()].filter((item) => !saved[item]);
  }

  /** The request that draws an item. */
  request(item: number): GenerateRequest {
    const { prompt, seed } = this.items[item]!;
    return { ...this.settings, prompt, seed };
  }

  /**
   * Saves an item's picture in one piece. @throws InputError if it is not what the item asks for: it may have come from
   * anywhere.
   */
  async save(item: number, png: Uint8Array): Promise<string> {
    const { file, prompt, seed } = this.items[item]!;
    if (!isPng(png)) throw new InputError(`What came for ${file} is no PNG file.`);
    const { width, height, recipe } = await decodePicture(png, `The picture for ${file}`);
    const { width: wide = width, height: high = height } = this.settings;
    if (width !== wide || height !== high)
      throw new InputError(`The picture for ${file} has ${width}×${height} pixels, not ${wide}×${high}.`);
    if (recipe?.seed !== seed || recipe.prompt !== prompt)
      throw new InputError(`The picture for ${file} was drawn from another prompt or seed.`);
    const target = path.join(this.folder, file);
    await writePicture(target, png);
    return target;
  }
}

/** The same text for the same settings, in whatever order they stand. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a.localeCompare(b)))
      : inner,
  );
}
