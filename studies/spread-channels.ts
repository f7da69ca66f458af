// Writes the embedded model with channels that stand out: it draws the same pictures, but some channels of what
// attention and feed-forward layers read are TIMES as large, and their weights as much smaller. That is what large
// networks come to have by training, and what smoothing is for.
// Usage: node --import tsx scripts/spread-channels.ts OUT [TIMES] [ONE_OF]
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { embeddedModel } from '../engine/models/embedded.ts';
import { openModelFolder } from '../engine/models/open.ts';
import { writeQuantized } from '../engine/quantization/build.ts';
import { productGroups } from '../engine/quantization/layers.ts';
import { smoothingOf } from '../engine/quantization/smoothing.ts';
import { WeightTable } from '../engine/weights/table.ts';

const [out, times = '16', oneOf = '16'] = process.argv.slice(2);
if (!out) throw new Error('Give a folder for the model.');
const model = await openModelFolder();
const network = model.network('unet');
const weights = new WeightTable(network, await model.weights('unet'));
let group = 0;
const smoothing = await smoothingOf(network, productGroups(network), async ({ products }) => {
  const first = group++;
  const channels = products[0]!.weight.shape[1]!;
  return Float32Array.from({ length: channels }, (_, c) =>
    (c + first) % Number(oneOf) === 0 ? 1 / Number(times) : 1,
  );
});
await cp(embeddedModel(), out, { recursive: true });
const file = path.join(out, 'unet', 'diffusion_pytorch_model.safetensors');
await writeQuantized(
  file,
  network,
  weights,
  { form: () => 'float', folded: false, most: 127, smoothing },
  { metadata: {} },
);
console.log(`${out}: ${group} groups of layers`);
