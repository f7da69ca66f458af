import type { Network } from '../../graph/network.ts';
import type { Weights } from '../../weights/table.ts';
import type { Capabilities } from '../backend.ts';
import type { Form } from '../forms/form.ts';
import { lowerCrops } from './crops.ts';
import { lowerInt8, lowerRanges } from './int8.ts';
import type { OnnxModel } from './onnx/onnx.ts';
import { lowerParts, lowerRecording } from './parts.ts';
import { lowerPlanar } from './planar.ts';
import { lowerRows } from './rows.ts';

/** What a lowering asks of the backend that will run the model. */
export type Target = Pick<Capabilities, 'operator' | 'opset'>;

/** A target with a kernel for everything. */
export const ANY_TARGET: Target = { operator: () => true, opset: 24 };

/**
 * A network in a form as an ONNX model. Operators that the target lacks are put together from others.
 * @throws Error that names an operator for which there is no other way
 */
export function lower(network: Network, weights: Weights, form: Form, target: Target): OnnxModel {
  switch (form.kind) {
    case 'planar':
      return lowerPlanar(network, weights, target);
    case 'rows':
      return lowerRows(network, weights, form.options, target);
    case 'crops':
      return lowerCrops(network, weights, target);
    case 'recording':
      return lowerRecording(network, weights, form.anchors, target);
    case 'parts':
      return lowerParts(network, weights, form.anchors, target);
    case 'ranges':
      return lowerRanges(network, weights, target);
    case 'bytes':
      return lowerInt8(network, weights, form.bytes, target);
  }
}
