/**
 * Bounds on what one call may ask for: of the engine's checks, the command line, the settings, the forms and the
 * language model tool alike.
 */
export const LIMITS = {
  steps: { min: 1, max: 150 },
  guidance: { min: 0, max: 50 },
  /** Pixels along one side, of images of any model; each model has its own (`engine/models/sizes.ts`). */
  size: { min: 64, max: 2048, multipleOf: 8 },
  /** Whole numbers that JavaScript does not round. */
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER },
  strength: { min: 0.05, max: 1 },
  /** Pixels that an edit adds to the canvas at one side. */
  extension: { min: 0, max: 1984 },
  /** Pixels over which the edge of a cut-out becomes opaque. */
  feather: { min: 0, max: 64 },
  /** Pixels by which a mask is grown, shrunk or feathered. */
  maskEdge: { min: 1, max: 100 },
  loraStrength: { min: -4, max: 4 },
  /** Files merged at once. */
  loras: 16,
  controlStrength: { min: 0, max: 2 },
  /** How many times larger an image is made. */
  upscale: { min: 1, max: 8 },
  /** Control images at once, and references. */
  controls: 8,
  references: 8,
  referenceStrength: { min: 0, max: 2 },
  /** Prompts for parts of an image. */
  regions: 8,
  /** Files of trained words, and folders to look into. */
  files: 64,
  /** Layers of the text encoder, from the last. */
  clipSkip: { min: 1, max: 12 },
  /** Latent positions. */
  dilation: { min: 0, max: 16 },
  /** 0: one for each core. */
  threads: { min: 0, max: 1024 },
  workers: { min: 0, max: 64 },
  /** Bytes of an image file. */
  fileBytes: 256 << 20,
  promptCharacters: 10_000,
  styleCharacters: 100,
  /** Share of a full process's MACs. */
  budget: { min: 0.1, max: 1 },
} as const;

/** Bounds on what one benchmark may ask for. */
export const BENCHMARK_LIMITS = {
  repeat: { min: 1, max: 1000 },
  layers: { min: 1, max: 10_000 },
  /** Cases, and masks. */
  count: 64,
  /** Share of the positions that a mask covers. */
  share: { min: 0.0001, max: 1 },
} as const;

/** Default strength of an edit. */
export const DEFAULT_STRENGTH = 0.9;

/** The same for an edit of the whole image, which keeps its composition. */
export const WHOLE_STRENGTH = 0.6;

/** The same for an edit that begins with painted colours. */
export const COLOUR_STRENGTH = 0.7;
