import { float32, type Tensor } from '../graph/tensor.ts';

/**
 * The guidance scale as an input of guidance-distilled U-Nets (`timestep_cond`; Luo et al. 2023, Latent
 * Consistency Models): sines, then cosines of 1000 · (guidance − 1) at `channels`/2 frequencies. [1, channels].
 */
export function guidanceEmbedding(guidance: number, channels: number): Tensor {
  const half = Math.floor(channels / 2);
  const data = new Float32Array(channels);
  for (let i = 0; i < half; i++) {
    const angle = 1000 * (guidance - 1) * Math.exp((-Math.log(10000) * i) / (half - 1));
    data[i] = Math.sin(angle);
    data[half + i] = Math.cos(angle);
  }
  return float32(data, [1, channels]);
}
