import { Uri, workspace } from 'vscode';
import type { BenchmarkRequest } from '../../shared/api.ts';
import type { PresetOffer } from '../../shared/benchmark/protocol.ts';
import { SIGE } from '../../shared/benchmark/published.ts';

interface Preset extends Omit<PresetOffer, 'cost'> {
  /** @param extension folder of the extension, which holds the masks */
  request(extension: Uri): Promise<BenchmarkRequest>;
}

/** What runs at a press. Each puts a publication's figures beside the measured ones. */
export const PRESETS: readonly Preset[] = [
  {
    id: 'sige',
    title: "The paper's table",
    description:
      'The three Stable Diffusion edits of SIGE (Li et al., NeurIPS 2022), one U-Net step with guidance, beside the published figures.',
    async request(extension) {
      const masks = SIGE.rows.map(async ({ mask }) => {
        const file = Uri.joinPath(extension, 'media/masks', `${mask}.active-64x128.png`);
        return { name: mask, image: new Uint8Array(await workspace.fs.readFile(file)) };
      });
      return {
        cases: ['dense', 'sparse'],
        model: SIGE.model,
        width: SIGE.width,
        height: SIGE.height,
        masks: await Promise.all(masks),
        repeat: 3,
        profile: true,
        isolate: false,
      };
    },
  },
  {
    id: 'distrifusion',
    title: "DistriFusion's table",
    description:
      'One picture on 1, 2 and 4 workers (Li et al., CVPR 2024): each has a thread and a band of the picture, or a branch of guidance and a band of it. The embedded model draws in place of SDXL, so its factors stand beside the published ones. More workers than this machine has cores take turns.',
    request: async () => ({
      cases: ['generate', 'branches', 'patch', 'naive'],
      width: 512,
      height: 512,
      whole: { prompt: 'a red house by a lake at sunset', editPrompt: 'a blue boat', steps: 20 },
      workers: [2, 4],
      threads: 1,
      repeat: 3,
    }),
  },
];
