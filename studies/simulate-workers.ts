import { mostBands } from '../engine/execution/bands/bands.ts';
import { openModel } from '../engine/models/open.ts';
import { CLIP_TOKENS } from '../engine/networks/clip-text.ts';
import { LINKS, partCosts, stepSeconds } from '../engine/parallel/simulate.ts';
import { featuresOf, levelCount } from '../engine/regions/features.ts';
import { CODINGS } from '../shared/codings.ts';
import { byDefault, choice, pixels, study, table, text, whole } from './frame.ts';
import { percent } from './support/figures.ts';

await study(
  {
    about:
      'Predicts the time of a step on 1 to 64 workers joined by links of several speeds, and checks the prediction ' +
      'against the scaling that the DistriFusion paper gives for SDXL on NVLink.',
    arguments: { arch: text('an architecture: sd15, sdxl, …') },
    options: {
      size: byDefault(pixels('size of the image'), { width: 512, height: 512 }),
      rate: byDefault(whole('GMACs a second of one worker', 1), 85),
      coding: byDefault(choice('how features travel', CODINGS), 'float16'),
    },
  },
  async ({ arch, size: { width, height }, rate, coding }) => {
    const { network, extent, most } = await subject(arch, width, height);
    const alone = { rate: rate * 1e9, overhead: 0, bandwidth: 1, latency: 0, overlapped: false };
    const one = stepSeconds(partCosts(network, extent, 1, coding), alone);
    console.log(
      `${arch}, ${width}×${height}, guidance, ${coding}: ${one.toFixed(3)} s a step on one worker; times its speed:\n`,
    );
    const row = table('workers', ...Object.keys(LINKS));
    for (let count = 2; count <= Math.min(64, most); count *= 2) {
      const parts = partCosts(network, extent, count, coding);
      row(
        count,
        ...Object.values(LINKS).map((link) => (one / stepSeconds(parts, { ...alone, ...link })).toFixed(2)),
      );
    }
    console.log(`\n${await comparedWithPaper()}`);
  },
);

async function subject(name: string, width: number, height: number) {
  const model = await openModel(name);
  const network = model.network('denoiser');
  const { scale } = model.autoencoder;
  const extent = { height: height / scale, width: width / scale, batch: 2, tokens: CLIP_TOKENS };
  const most = 2 * mostBands(extent, levelCount(featuresOf(network)));
  return { network, extent, most };
}

/**
 * The paper: 50 steps of SDXL at 1280×1920 take 12.3, 4.16 and 2.74 s on 1, 4 and 8 devices. The rate follows from one
 * device, the fixed cost of a step from four; eight are predicted.
 */
async function comparedWithPaper(): Promise<string> {
  const { network, extent } = await subject('sdxl', 1920, 1280);
  const steps = 50;
  const macs = partCosts(network, extent, 1, 'float16')[0]!.macs * steps;
  const machines = { rate: macs / 12.3, overhead: 0, ...LINKS.nvlink, overlapped: true };
  const seconds = (count: number, overhead: number) =>
    steps * stepSeconds(partCosts(network, extent, count, 'float16'), { ...machines, overhead });
  const eight = seconds(8, (4.16 - seconds(4, 0)) / steps);
  return `SDXL 1280×1920, ${(macs / 1e12).toFixed(1)} TMACs: ${eight.toFixed(2)} s predicted on 8 devices, 2.74 s published (${percent(eight / 2.74 - 1)} off)`;
}
