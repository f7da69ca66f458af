import type { Prediction } from '../../../shared/api.ts';

/** Settings of the user for a single file. */
export interface FileParts {
  /** Takes the place of its autoencoder. */
  vae?: string;
  /** Take the place of its text encoders. */
  textEncoders?: readonly string[];
  /** Used if the file does not say what its U-Net predicts. */
  prediction?: Prediction;
  /** Take the averaged weights of training instead of the trained ones. */
  averaged?: boolean;
}
