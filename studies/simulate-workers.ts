// Predicts the time of a step on 1 to 64 workers joined by links of several speeds, and checks the prediction against
// the scaling that the DistriFusion paper gives for SDXL on NVLink.
// node --import tsx scripts/simulate-workers.ts ARCH WxH RATE [CODING]    RATE: multiply–accumulates a second, e.g. 85e9

import { openModel } from '../engine/models/open.ts';
import { mostBands } from '../engine/parallel/bands.ts';
import { LINKS, partCosts, stepSeconds } from '../engine/parallel/simulate.ts';
import { featuresOf, levelCount } from '../engine/regions/features.ts';
import { CODINGS } from '../shared/api.ts';

const [arch = 'sd15', size = '512x512', rate = '85e9', chosen = 'float16'] = process.argv.slice(2);
const coding = CODINGS.find((name) => name === chosen) ?? 'float16';

async function subject(name: string, width: number, height: number) {
  const network = (await openModel(name)).network('unet');
  const extent = { height: height / 8, width: width / 8, batch: 2, tokens: 77 };
  const most = 2 * mostBands(extent, levelCount(featuresOf(network)));
  return { network, extent, most };
}

const [width, height] = size.split('x').map(Number) as [number, number];
const { network, extent, most } = await subject(arch, width, height);
const alone = { rate: Number(rate), overhead: 0, bandwidth: 1, latency: 0, overlapped: false };
const one = stepSeconds(partCosts(network, extent, 1, coding), alone);
console.log(`${arch}, ${size}, guidance, ${coding}: ${one.toFixed(3)} s a step on one worker`);
console.log(`workers ${Object.keys(LINKS).join(' ')}`);
for (let count = 2; count <= Math.min(64, most); count *= 2) {
  const parts = partCosts(network, extent, count, coding);
  const gains = Object.values(LINKS).map(
    (link) => `${(one / stepSeconds(parts, { ...alone, ...link })).toFixed(2)}×`,
  );
  console.log(`${count} ${gains.join(' ')}`);
}

// The paper: 50 steps of SDXL at 1280×1920, 12.3, 4.16 and 2.74 s on 1, 4 and 8 devices. The rate is taken from one
// device, what every step takes besides from four; eight are predicted.
const paper = await subject('sdxl', 1920, 1280);
const STEPS = 50;
const macs = partCosts(paper.network, paper.extent, 1, 'float16')[0]!.macs * STEPS;
const machines = { rate: macs / 12.3, overhead: 0, ...LINKS.nvlink, overlapped: true };
const seconds = (count: number, overhead: number) =>
  STEPS * stepSeconds(partCosts(paper.network, paper.extent, count, 'float16'), { ...machines, overhead });
const overhead = (4.16 - seconds(4, 0)) / STEPS;
const eight = seconds(8, overhead);
console.log(
  `SDXL 1280×1920: ${(macs / 1e12).toFixed(1)} T; on 8 devices ${eight.toFixed(2)} s predicted, 2.74 s published (${(100 * (eight / 2.74 - 1)).toFixed(1)} %)`,
);
