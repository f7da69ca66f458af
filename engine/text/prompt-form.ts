import { FLUX2_TOKENS } from '../networks/flux2.ts';
import { NITRO_E_TOKENS } from '../networks/nitro-e.ts';
import { SANA_TOKENS } from '../networks/sana.ts';
import { SANA_INSTRUCTION } from './sana-instruction.ts';

/** How a language model is given a prompt, and which of its states a denoiser reads. */
export interface PromptForm {
  /** Put before and behind every prompt, as in a chat. */
  readonly around?: readonly [before: string, behind: string];
  /** Put before a prompt, but not before the negative one. Only the first of its states is read. */
  readonly instruction?: string;
  readonly lowerCase?: true;
  /** Largest number of tokens whose states are read. */
  readonly tokens: number;
  /** Prompts are filled up with padding to that length, whose states are read too. */
  readonly padded?: true;
}

/** As diffusers' SanaPipeline gives them. */
export const SANA_PROMPT: PromptForm = {
  instruction: SANA_INSTRUCTION,
  lowerCase: true,
  tokens: SANA_TOKENS,
};

/** As diffusers' Flux2KleinPipeline gives them: Qwen 3's chat without thinking. */
export const FLUX2_PROMPT: PromptForm = {
  around: ['<|im_start|>user\n', '<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n'],
  tokens: FLUX2_TOKENS,
  padded: true,
};

/** As Nitro-E's EMMDiTPipeline gives them. */
export const NITRO_E_PROMPT: PromptForm = {
  lowerCase: true,
  tokens: NITRO_E_TOKENS,
  padded: true,
};
