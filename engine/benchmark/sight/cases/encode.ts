import type { Program } from '../../../execution/backend.ts';
import { PartNetwork } from '../../../execution/parts/part-network.ts';
import { countMacs } from '../../../graph/macs.ts';
import { float32, floats } from '../../../graph/tensor.ts';
import { MARGIN } from '../../../pipelines/segment/network-segmenter.ts';
import { quantizeConvolutions } from '../../../quantization/convolutions.ts';
import { anchorsOf } from '../../../regions/anchors.ts';
import { areaOf, mergeBoxes, partsOf } from '../../../regions/box.ts';
import type { PartPlan } from '../../../regions/part.ts';
import type { SightCase } from '../case.ts';
import type { SightSubject } from '../subject.ts';

const OUTPUT = 'image_embeddings';

/** The encoder on the whole image. */
export const encode: SightCase = {
  name: 'encode',
  part: 'encoder',
  mode: 'dense',
  masked: false,
  precisions: ['fp32', 'int8'],
  async prepare(subject, { precision }) {
    const { encoder, extent, original } = subject;
    const start = performance.now();
    const program = await (precision === 'int8' ? byteEncoder(subject) : subject.compile(encoder));
    return {
      cost: { macs: countMacs(encoder, extent) },
      loadSeconds: (performance.now() - start) / 1000,
      run: async () => floats(await program.run(inputOf(subject, original), [OUTPUT]), OUTPUT),
      release: () => program.release(),
    };
  },
};

/** The encoder in int8, calibrated on the image that it then encodes. */
async function byteEncoder(subject: SightSubject): Promise<Program> {
  const { encoder, original } = subject;
  const ranges = await subject.compile(encoder, { kind: 'ranges' });
  const observed = await ranges.run(inputOf(subject, original));
  await ranges.release();
  const most = await subject.largestInt8();
  const bytes = await quantizeConvolutions(encoder, subject.table(encoder), [observed], most);
  return subject.compile(encoder, { kind: 'bytes', bytes });
}

function inputOf({ extent }: SightSubject, planes: Float32Array) {
  return { input_image: float32(planes, [1, 3, extent.height, extent.width]) };
}

/** The encoder on the masked part, with features recorded from the original image. */
export const encodePart: SightCase = {
  name: 'encode-part',
  part: 'encoder',
  mode: 'sparse',
  masked: true,
  precisions: ['fp32'],
  async prepare(subject, { mask }) {
    const { encoder, extent, original } = subject;
    const anchors = anchorsOf(encoder);
    const start = performance.now();
    const [whole, part] = [
      await subject.compile(encoder, { kind: 'recording', anchors }),
      await subject.compile(encoder, { kind: 'parts', anchors }),
    ];
    const loadSeconds = (performance.now() - start) / 1000;
    const parts = new PartNetwork(encoder, { whole: async () => whole, part: async () => part });
    const planOf = (box: Parameters<typeof parts.plan>[1]) => parts.plan(extent.height, box, MARGIN);
    const plans = mergeBoxes(partsOf(mask!), (box) => planOf(box).macs).map(planOf);
    const { record } = await parts.whole(original, extent.height);
    const edited = subject.edited(mask!);
    return {
      cost: {
        macs: countMacs(encoder, extent, ({ id }) =>
          plans.reduce((sum, { boxes }) => sum + areaOf(boxes.get(id)!), 0),
        ),
        storeBytes: [...record.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
        activeFraction: sharesOf(subject, plans),
      },
      loadSeconds,
      async run() {
        // After the first run the record is that of the edited image; later runs cost the same.
        for (const plan of plans) await parts.part(edited, plan, record);
        return parts.outputIn(record);
      },
      async release() {
        await whole.release();
        await part.release();
      },
    };
  },
};

/** For each level the largest computed share of any of its maps. */
function sharesOf({ encoder, extent }: SightSubject, plans: readonly PartPlan[]): number[] {
  const shares: number[] = [];
  for (const { output } of encoder.operators) {
    if (output.kind !== 'map') continue;
    const positions = (extent.height * extent.width) / 4 ** output.level;
    const computed = plans.reduce((sum, { boxes }) => sum + areaOf(boxes.get(output.id)!), 0);
    shares[output.level] = Math.max(shares[output.level] ?? 0, computed / positions);
  }
  return Array.from(shares, (share) => Math.min(1, share ?? 0));
}
