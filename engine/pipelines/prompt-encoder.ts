import type { Components } from '../execution/components.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { LanguageEncoder } from './language-encoder.ts';
import { type PromptEncoder, TextEncoder } from './text-encoder.ts';

/** The encoder of a model's prompts: of CLIP's kind, or a language model. */
export function openPromptEncoder(model: DiffusionModel, components: Components): Promise<PromptEncoder> {
  const network = components.network(model.textRoles[0]!);
  return network.inputs.has('attention_mask')
    ? LanguageEncoder.open(model, components)
    : TextEncoder.open(model, components);
}
