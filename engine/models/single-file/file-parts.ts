import type { PredictionType } from '../../../shared/api.ts';

/** Parts of a model that the user names. */
export interface FileParts {
  /** Takes the place of its autoencoder. */
  vae?: string;
  /** Take the place of its text encoders. */
  textEncoders?: readonly string[] | undefined;
  /** Used if the file does not say what its U-Net predicts. */
  prediction?: PredictionType;
  /** Take the averaged weights of training instead of the trained ones. */
  averaged?: boolean;
}
