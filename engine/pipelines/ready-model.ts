import { InputError } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import type { Condition } from '../execution/condition.ts';
import { isGuided, needsOf } from '../execution/denoiser-inputs.ts';
import { guidanceEmbedding } from '../execution/unet/guidance-embedding.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { ModelFolder } from '../models/folder.ts';
import type { EncodedText, PromptEncoder } from './text-encoder.ts';

/** A model that is ready to generate. */
export interface ReadyModel {
  model: ModelFolder;
  components: Components;
  text: PromptEncoder;
  /** Warnings to show the user about the model's set-up. */
  warnings: string[];
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

/** Encodes prompts into a condition for an image of `size` pixels. */
export async function conditionFor(
  { model, components, text }: Pick<ReadyModel, 'model' | 'components' | 'text'>,
  prompt: string,
  negativePrompt: string,
  guidance: number,
  size: { width: number; height: number },
): Promise<Conditioning> {
  const network = components.network('denoiser');
  const guided = isGuided(network, guidance);
  const { states, mask, pooled, warnings, macs } = await text.encode(
    guided ? [prompt, negativePrompt] : [prompt],
  );
  const zeros = guided && negativePrompt === '' && model.zeroNegative;
  const vectors: Condition['vectors'] = {};
  for (const [role, channels] of needsOf(network).vectors) {
    if (role === 'guidance') vectors.guidance = guidanceEmbedding(guidance, channels);
    else if (role === 'scale') vectors.scale = float32(Float32Array.of(guidance), [1, 1]);
    else if (role === 'size') vectors.size = timeIds(size, states.dims[0]!);
    else vectors.pooled = embeddingFor(model, pooled, channels, zeros);
  }
  const encoded = { text: zeros ? secondZero(states) : states, ...(mask && { textMask: mask }) };
  return { condition: { ...encoded, guidance, vectors }, warnings, macs };
}

/** SDXL's size conditions, a row for each branch: original height and width, crop's top and left, target's size. */
function timeIds({ width, height }: { width: number; height: number }, batch: number): Tensor {
  const rows = Array.from({ length: batch }, () => [height, width, 0, 0, height, width]);
  return float32(Float32Array.from(rows.flat()), [batch, 6]);
}

function embeddingFor(
  model: ModelFolder,
  pooled: EncodedText['pooled'],
  channels: number,
  zeros: boolean,
): Tensor {
  if (pooled?.dims[1] !== channels)
    throw new InputError(
      `${model.name}: the U-Net asks for text embeddings of ${channels} numbers, but the text encoders give ${pooled?.dims[1] ?? 'none'}.`,
    );
  return zeros ? secondZero(pooled) : pooled;
}

/** The rows with the second one, the negative prompt's, set to zero. */
function secondZero(rows: EncodedText['states']): EncodedText['states'] {
  return float32(rows.data.slice().fill(0, rows.data.length / 2), rows.dims);
}
