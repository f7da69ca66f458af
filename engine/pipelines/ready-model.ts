import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import type { ModelFolder } from '../models/folder.ts';
import type { Tensor } from '../runtime/runtime.ts';
import type { Components } from './components.ts';
import type { Condition } from './guidance.ts';
import { guidanceEmbedding } from './guidance-embedding.ts';
import type { TextEncoder } from './text-encoder.ts';

/** A model made ready to draw. */
export interface ReadyModel {
  model: ModelFolder;
  components: Components;
  text: TextEncoder;
}

/** What the U-Net is told of a prompt, with sentences about what was cut from it. */
export async function conditionFor(
  { model, components, text }: ReadyModel,
  prompt: string,
  negativePrompt: string,
  guidance: number,
): Promise<{ condition: Condition; warnings: string[] }> {
  const extra = extraInputs(components.network('unet'), model, guidance);
  // A guidance-distilled U-Net takes the scale as an input and needs no second branch.
  const guided = guidance > 1 && !extra.timestep_cond;
  const { states, warnings } = await text.encode(guided ? [prompt, negativePrompt] : [prompt]);
  return { condition: { text: states, guidance, extra }, warnings };
}

/** The U-Net's inputs beside sample, timestep and text. */
function extraInputs(network: Network, model: ModelFolder, guidance: number): Record<string, Tensor> {
  const extra: Record<string, Tensor> = {};
  for (const [name, value] of network.inputs) {
    if (['sample', 'timestep', 'encoder_hidden_states'].includes(name)) continue;
    if (name !== 'timestep_cond' || value.kind !== 'vector')
      throw new InputError(
        `${model.name}: pictures from ${model.pipeline} models, whose U-Net takes ${name}, are not supported; supported: Stable Diffusion 1 and 2 and their distillations.`,
      );
    extra[name] = guidanceEmbedding(guidance, value.channels);
  }
  return extra;
}
