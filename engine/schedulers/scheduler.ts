/**
 * A sampler of the reverse diffusion process, made for a given number of steps.
 * Arrays are latents, flat, any shape; `index` counts steps from 0.
 */
export interface Scheduler {
  /** Timesteps as the network takes them, in the order of the steps; may be fractional. */
  readonly timesteps: readonly number[];
  /**
   * Network runs that a step takes; 1 if absent. With two, every step but the last has two timesteps and two calls of
   * `step`, the first of which has an even index.
   */
  readonly runs?: number;
  /** Standard deviation of the starting noise. */
  readonly initNoiseSigma: number;
  /** True if `step` draws noise. */
  readonly stochastic: boolean;
  /** The network's input at a step, from the current sample. */
  scaleInput(sample: Float32Array, index: number): Float32Array;
  /**
   * Computes the next sample from the network's output (epsilon, v or the clean sample, as configured).
   * Steps must be taken in order, but may begin at any index. Multistep samplers keep their history.
   * `noise` is standard normal, one value for each element; required if `stochastic`.
   */
  step(output: Float32Array, index: number, sample: Float32Array, noise?: Float32Array): Float32Array;
  /** The clean sample that the network's output at this step predicts, for previews. Changes no state. */
  predictOriginal(output: Float32Array, index: number, sample: Float32Array): Float32Array;
  /** `original` with noise of the level of step `index`, where an edit of partial strength starts. */
  addNoise(original: Float32Array, noise: Float32Array, index: number): Float32Array;
}
