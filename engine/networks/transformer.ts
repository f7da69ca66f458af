/** Name of the networks that are diffusion transformers. */
export const TRANSFORMER = 'transformer';
