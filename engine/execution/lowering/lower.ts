import type { Network } from '../../graph/network.ts';
import type { Weights } from '../../weights/weight-table.ts';
import type { Form } from '../forms/form.ts';
import { lowerContinued } from './continued.ts';
import { lowerCrops } from './crops.ts';
import { lowerPutting, lowerTaking } from './features.ts';
import { lowerInt8, lowerRanges } from './int8.ts';
import type { OnnxModel } from './onnx/onnx.ts';
import { lowerParts, lowerRecording } from './parts.ts';
import { lowerPlanar } from './planar.ts';
import { lowerRows } from './rows.ts';
import type { Target } from './target.ts';
import { lowerTokens } from './tokens.ts';

/**
 * Lowers a network in a form to an ONNX model. Operators that the target lacks are composed of others.
 * @throws Error naming an operator that the target lacks and that has no substitute
 */
export function lower(network: Network, weights: Weights, form: Form, target: Target): OnnxModel {
  switch (form.kind) {
    case 'planar':
      return lowerPlanar(network, weights, target);
    case 'rows':
      return lowerRows(network, weights, form.options, target);
    case 'tokens':
      return lowerTokens(network, weights, form, target);
    case 'taking':
      return lowerTaking(network, form.storage, target);
    case 'putting':
      return lowerPutting(network, form.storage, target);
    case 'crops':
      return lowerCrops(network, weights, target);
    case 'continued':
      return lowerContinued(network, weights, target);
    case 'recording':
      return lowerRecording(network, weights, form.anchors, target);
    case 'parts':
      return lowerParts(network, weights, form, target);
    case 'ranges':
      return lowerRanges(network, weights, target);
    case 'bytes':
      return lowerInt8(network, weights, form.bytes, target);
  }
}
