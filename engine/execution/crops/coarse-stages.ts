import { countMacs } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { float32, floats } from '../../graph/tensor.ts';
import type { Box } from '../../regions/box.ts';
import type { CropPlan } from '../../regions/crop.ts';
import type { Recorded, RecordedRows } from '../../regions/recorded.ts';
import type { Program } from '../backend.ts';
import { onlyMap } from './planes.ts';

/** What the stages before a crop give: the fine network's input. */
export interface Between {
  planes: Float32Array;
  /** Which rectangle of the map the planes are; all of it if absent. */
  box?: Box;
  /** For later passes over a part. */
  record?: Recorded;
  /** Multiply–accumulates spent. */
  macs: number;
}

/** The coarse stages of a decoder, before its fine ones (`regions/stages.ts`). */
export interface CoarseStages {
  /** @param changed where the input [C, h, w] differs from that of the record */
  between(
    input: Float32Array,
    plan: CropPlan,
    record?: ReadonlyMap<string, RecordedRows>,
    changed?: Box,
  ): Promise<Between>;
}

/** Stages that are computed whole, once for an input. */
export class WholeStages implements CoarseStages {
  readonly #program: Program;
  readonly #network: Network;
  #last: { of: Float32Array; planes: Promise<Float32Array> } | undefined;

  /** @param program in planar form */
  constructor(program: Program, network: Network) {
    this.#program = program;
    this.#network = network;
  }

  async between(input: Float32Array, { height, width }: CropPlan): Promise<Between> {
    if (this.#last?.of === input) return { planes: await this.#last.planes, macs: 0 };
    const { name, value } = onlyMap(this.#network.inputs);
    const output = onlyMap(this.#network.outputs).name;
    const size = [height, width].map((side) => side / 2 ** value.level);
    const planes = this.#program
      .run({ [name]: float32(input, [1, value.channels, ...size]) })
      .then((outputs) => floats(outputs, output));
    this.#last = { of: input, planes };
    const { total: macs } = countMacs(this.#network, { height, width, batch: 1, tokens: 0 });
    return { planes: await planes, macs };
  }
}
