import type { Backend, Program } from '../../execution/backend.ts';
import { PLANAR } from '../../execution/forms/form.ts';
import { countMacs } from '../../graph/macs.ts';
import { float32, floats } from '../../graph/tensor.ts';
import { openTaggerFolder } from '../../models/vision-folder.ts';
import type { LabelGroup, PictureInput } from '../../networks/efficientvit-config.ts';
import { efficientVitClassifier } from '../../networks/efficientvit-heads.ts';
import { requireFinite } from '../../numbers.ts';
import { WeightTable } from '../../weights/weight-table.ts';

/** A group of labels with the probability of each. */
export interface GradedGroup extends LabelGroup {
  probabilities: number[];
}

/** A multi-label classifier of pictures. */
export class Tagger {
  readonly id: string;
  readonly input: PictureInput;
  /** Multiply–accumulates of one picture. */
  readonly macs: number;
  readonly #program: Program;
  readonly #labels: readonly LabelGroup[];

  private constructor(
    id: string,
    input: PictureInput,
    macs: number,
    labels: readonly LabelGroup[],
    program: Program,
  ) {
    this.id = id;
    this.input = input;
    this.macs = macs;
    this.#labels = labels;
    this.#program = program;
  }

  /** @throws InputError if the folder is not that of a tagger. */
  static async open(folder: string, backend: Backend, threads: number): Promise<Tagger> {
    const opened = await openTaggerFolder(folder);
    const { input, classifier, labels } = opened.config;
    const network = efficientVitClassifier(classifier);
    const weights = new WeightTable(network, await opened.weights());
    const program = await backend.compile(network, weights, PLANAR, { threads });
    const extent = { height: input.size, width: input.size, batch: 1, tokens: 0 };
    return new Tagger(opened.folder, input, countMacs(network, extent).total, labels, program);
  }

  /** Normalized planes [3, size, size] → the probability of every label. */
  async grade(planes: Float32Array): Promise<GradedGroup[]> {
    const { size } = this.input;
    const outputs = await this.#program.run({ image: float32(planes, [1, 3, size, size]) });
    const logits = floats(outputs, 'logits');
    requireFinite(logits, 'The model that names what is in an image');
    let first = 0;
    return this.#labels.map((group) => {
      const own = logits.subarray(first, first + group.values.length);
      first += group.values.length;
      return {
        ...group,
        probabilities: group.activation === 'softmax' ? softmax(own) : Array.from(own, sigmoid),
      };
    });
  }

  async release(): Promise<void> {
    await this.#program.release();
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softmax(logits: Float32Array): number[] {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const shares = Array.from(logits, (x) => Math.exp(x - most));
  const total = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / total);
}
