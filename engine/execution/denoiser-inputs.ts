import type { Network } from '../graph/network.ts';
import { float32, floats, type Tensor } from '../graph/tensor.ts';
import { CLIP_TOKENS } from '../networks/clip-text.ts';
import { batchOf, type Condition, type VectorRole } from './condition.ts';
import { isSteering } from './unet/steering.ts';

/** Names of a denoiser's inputs and output, after diffusers. */
export const SAMPLE = 'sample';
export const TIMESTEP = 'timestep';
export const TEXT = 'encoder_hidden_states';
export const TEXT_MASK = 'encoder_attention_mask';
export const OUTPUT = 'out';

const VECTORS: Readonly<Record<string, VectorRole>> = {
  text_embeds: 'pooled',
  time_ids: 'size',
  timestep_cond: 'guidance',
  guidance: 'scale',
};

/** Which conditions a denoiser needs. */
interface Needs {
  /** Channels of the text; 0 without attention. */
  text: number;
  /** Numbers of each vector. */
  vectors: ReadonlyMap<VectorRole, number>;
  /** Channels of its sample: the latents' own, and those of `Condition.planes`. */
  channels: number;
}

/** @throws Error for an input with an unknown role */
export function needsOf(network: Network): Needs {
  const vectors = new Map<VectorRole, number>();
  let [text, channels] = [0, 0];
  for (const [name, value] of network.inputs) {
    const role = VECTORS[name];
    if (name === SAMPLE && value.kind === 'map') channels = value.channels;
    else if (name === TEXT && value.kind === 'tokens') text = value.channels;
    else if (role && value.kind === 'vector') vectors.set(role, value.channels);
    else if (name !== TIMESTEP && name !== TEXT_MASK && !isSteering(name))
      throw new Error(`the denoiser takes an input ${name} that is not known`);
  }
  return { text, vectors, channels };
}

/** Channels of a denoiser's output. */
export function outputChannels({ outputs }: Network): number {
  const output = outputs.get(OUTPUT);
  if (output?.kind !== 'map') throw new Error('the denoiser has no map as its output');
  return output.channels;
}

/** Tokens of one prompt that the denoiser reads, at most. */
export function textLength(network: Network): number {
  return network.textTokens ?? CLIP_TOKENS;
}

/**
 * Whether an image needs both branches of guidance. Guidance-distilled models take the scale as an input instead of a
 * second branch.
 */
export function isGuided(network: Network, guidance: number): boolean {
  const { vectors } = needsOf(network);
  return guidance > 1 && !vectors.has('guidance') && !vectors.has('scale');
}

/** Whether the model sees a mask and the picture without what is under it, behind latents of this many channels. */
export function seesMask(network: Network, latentChannels: number): boolean {
  return needsOf(network).channels === 2 * latentChannels + 1;
}

/**
 * The denoiser's inputs, the sample given as planes or rows of one picture (`dims` without the batch). `steered`: those of
 * `steering.ts`, in the same form.
 */
export function denoiserInputs(
  sample: Float32Array,
  dims: readonly number[],
  timestep: number,
  condition: Condition,
  steered: Record<string, Tensor> = {},
): Record<string, Tensor> {
  const batch = batchOf(condition);
  const repeated = new Float32Array(sample.length * batch);
  for (let i = 0; i < batch; i++) repeated.set(sample, i * sample.length);
  const vectors: Record<string, Tensor> = {};
  for (const [name, role] of Object.entries(VECTORS)) {
    const tensor = condition.vectors?.[role];
    if (tensor) vectors[name] = tensor;
  }
  return {
    ...vectors,
    ...steered,
    [SAMPLE]: float32(repeated, [batch, ...dims]),
    [TIMESTEP]: float32(Float32Array.of(timestep), [1, 1]),
    [TEXT]: condition.text,
    ...(condition.textMask && { [TEXT_MASK]: condition.textMask }),
  };
}

/** A condition from a denoiser's own inputs, as reference tensors name them. */
export function conditionOf(inputs: Readonly<Record<string, Tensor>>, guidance: number): Condition {
  const vectors: Condition['vectors'] = {};
  for (const [name, role] of Object.entries(VECTORS)) if (inputs[name]) vectors[role] = inputs[name];
  const mask = inputs[TEXT_MASK];
  return { text: inputs[TEXT]!, ...(mask && { textMask: mask }), guidance, vectors };
}

/** The planes [C, positions] of a sample, followed by those of the condition. */
export function withPlanes(sample: Float32Array, { planes }: Condition): Float32Array {
  if (!planes) return sample;
  const more = floats({ planes }, 'planes');
  const all = new Float32Array(sample.length + more.length);
  all.set(sample);
  all.set(more, sample.length);
  return all;
}
