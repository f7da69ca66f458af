import { InputError } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import type { Condition, LaterText } from '../execution/condition.ts';
import { isGuided, needsOf } from '../execution/denoiser-inputs.ts';
import { guidanceEmbedding } from '../execution/guidance-embedding.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { type PictureWindow, workedSize } from '../pictures/window.ts';
import { scheduleOf } from '../text/prompt-schedule.ts';
import type { ControlPictures } from './control-pictures.ts';
import type { ReferenceImages } from './reference-images.ts';
import type { ReferencePictures } from './reference-pictures.ts';
import type { RegionPrompts } from './region-prompts.ts';
import type { EncodedText, PromptEncoder, Reading } from './text-encoder.ts';

/** A model that is ready to generate. */
export interface ReadyModel {
  model: DiffusionModel;
  components: Components;
  text: PromptEncoder;
  /** Warnings to show the user about the model's set-up. */
  warnings: string[];
  /** How the prompts of this call are read. */
  reading?: Reading;
  /** What steers the image of this call. */
  controls?: ControlPictures | undefined;
  references?: ReferencePictures | undefined;
  images?: ReferenceImages | undefined;
  regions?: RegionPrompts | undefined;
  /** The model with a fast decoder, for previews. */
  preview?: Components;
}

/** A prompt, encoded as a condition. */
interface Conditioning {
  condition: Condition;
  /** Sentences about what was cut from the prompts. */
  warnings: string[];
  /** Multiply–accumulates of the text encoders. */
  macs: number;
}

/**
 * Encodes prompts into a condition for an image, or for the part of it that is edited. `timesteps`: those of the image,
 * over which words of the prompts may change; without them prompts are read as they are at the last step.
 */
export async function conditionFor(
  ready: Pick<
    ReadyModel,
    'model' | 'components' | 'text' | 'reading' | 'controls' | 'references' | 'images' | 'regions'
  >,
  prompt: string,
  negativePrompt: string,
  guidance: number,
  seen: Pick<PictureWindow, 'width' | 'height'> & Partial<PictureWindow>,
  timesteps: readonly number[] = [],
): Promise<Conditioning> {
  const window = { left: 0, top: 0, ...seen };
  const size = workedSize(window);
  const guided = isGuided(ready.components.network('denoiser'), guidance);
  const prompts = guided ? [prompt, negativePrompt] : [prompt];
  // Calibration, which has no image of its own, is not steered.
  const regions = timesteps.length > 0 ? ready.regions : undefined;
  const warnings = new Set<string>();
  let macs = 0;
  const encodedTexts = new Map<string, Omit<LaterText, 'from'>>();
  const read = async (texts: readonly string[]) => {
    const key = JSON.stringify(texts);
    const known = encodedTexts.get(key);
    if (known) return known;
    const encoded = await ready.text.encode(texts, ready.reading);
    for (const warning of encoded.warnings) warnings.add(warning);
    macs += encoded.macs;
    const fresh = conditionBy(
      ready,
      encoded,
      { batch: prompts.length, zeros: guided && texts[1] === '' },
      guidance,
      size,
    );
    encodedTexts.set(key, fresh);
    return fresh;
  };
  const [first, ...others] = changesOf([...prompts, ...(regions?.prompts ?? [])], timesteps.length);
  const condition: Condition = { ...(await read(first!.texts)), guidance };
  const later: LaterText[] = [];
  for (const { from, texts } of others) later.push({ from: timesteps[from]!, ...(await read(texts)) });
  const controls = timesteps.length > 0 ? await ready.controls?.guidesFor(window, timesteps) : undefined;
  const references =
    timesteps.length > 0 ? ready.references?.referencesFor(window, prompts.length) : undefined;
  const images = timesteps.length > 0 ? await ready.images?.latents(ready.components) : undefined;
  return {
    condition: {
      ...condition,
      ...(controls && { controls }),
      ...(references && { references }),
      ...(images && { images }),
      ...(regions && { shares: regions.sharesFor(window) }),
      ...(later.length > 0 && { later }),
    },
    warnings: [...warnings],
    macs,
  };
}

/** The texts of all prompts, and the steps from which they apply. */
function changesOf(prompts: readonly string[], steps: number): { from: number; texts: string[] }[] {
  const schedules = prompts.map((prompt) => scheduleOf(prompt, steps));
  if (steps === 0) return [{ from: 0, texts: schedules.map((schedule) => schedule.at(-1)!.text) }];
  const starts = new Set(schedules.flatMap((schedule) => schedule.map(({ from }) => from)));
  return [...starts]
    .sort((a, b) => a - b)
    .map((step) => ({
      from: step,
      texts: schedules.map((schedule) => schedule.findLast(({ from }) => from <= step)!.text),
    }));
}

/**
 * Encoded prompts as a condition of the denoiser: the first `batch` of them are its own, the others those of regions,
 * which share the negative prompt. `zeros`: the negative prompt is absent.
 */
function conditionBy(
  { model, components }: Pick<ReadyModel, 'model' | 'components'>,
  { states, mask, pooled }: EncodedText,
  { batch, zeros: isEmpty }: { batch: number; zeros: boolean },
  guidance: number,
  size: { width: number; height: number },
): Omit<LaterText, 'from'> {
  const zeros = isEmpty && model.zeroNegative;
  const own = (rows: EncodedText['states']) => {
    const first = rowsOf(rows, 0, batch);
    return zeros ? secondZero(first) : first;
  };
  const text = own(states);
  const vectors: Condition['vectors'] = {};
  for (const [role, channels] of needsOf(components.network('denoiser')).vectors) {
    if (role === 'guidance') vectors.guidance = guidanceEmbedding(guidance, channels);
    else if (role === 'scale') vectors.scale = float32(Float32Array.of(guidance), [1, 1]);
    else if (role === 'size') vectors.size = timeIds(size, batch);
    else vectors.pooled = own(checkedEmbedding(model, pooled, channels));
  }
  const regions = Array.from({ length: states.dims[0]! - batch }, (_, region) =>
    besides(rowsOf(states, batch + region, 1), text),
  );
  return { text, ...(mask && { textMask: mask }), ...(regions.length > 0 && { regions }), vectors };
}

/** Some of the prompts' rows. */
function rowsOf(states: EncodedText['states'], from: number, count: number): EncodedText['states'] {
  const { data, dims } = states;
  const each = data.length / dims[0]!;
  // The same object, by which its projections are remembered.
  if (count === dims[0]) return states;
  return float32(data.slice(from * each, (from + count) * each), [count, ...dims.slice(1)]);
}

/** A prompt's states in place of the first ones, beside the same negative prompt. */
function besides(one: EncodedText['states'], { data, dims }: EncodedText['states']): EncodedText['states'] {
  const all = data.slice();
  all.set(one.data);
  return float32(all, dims);
}

/** SDXL's size conditions, a row for each branch: original height and width, crop's top and left, target's size. */
function timeIds({ width, height }: { width: number; height: number }, batch: number): Tensor {
  const rows = Array.from({ length: batch }, () => [height, width, 0, 0, height, width]);
  return float32(Float32Array.from(rows.flat()), [batch, 6]);
}

function checkedEmbedding(
  model: DiffusionModel,
  pooled: EncodedText['pooled'],
  channels: number,
): EncodedText['states'] {
  if (pooled?.dims[1] !== channels)
    throw new InputError(
      `${model.name}: the denoiser takes text embeddings of ${channels} numbers, but the text encoders give ${pooled?.dims[1] ?? 'none'}.`,
    );
  return pooled;
}

/** The rows with the second one, the negative prompt's, set to zero. */
function secondZero(rows: EncodedText['states']): EncodedText['states'] {
  return float32(rows.data.slice().fill(0, rows.data.length / 2), rows.dims);
}
