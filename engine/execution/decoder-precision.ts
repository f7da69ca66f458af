import { isFloat, type Precision } from '../../shared/api.ts';
import type { AutoencoderFacts } from '../models/networks.ts';

/**
 * The precision of a model's decoder. DC-AE's has more operations than all steps of a distilled model together, so where
 * the denoiser is quantized its 3×3 convolutions are products of bytes; docs/measurements.md has what that does. Other
 * decoders gain too little and stay float32.
 */
export function decoderPrecision(
  { kind }: { kind?: AutoencoderFacts['kind'] },
  precision: Precision,
): 'fp32' | 'int8' {
  return kind === 'dc' && !isFloat(precision) ? 'int8' : 'fp32';
}
