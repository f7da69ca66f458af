import type { PresetOffer } from '../../shared/benchmark/protocol.ts';
import { SIGE } from '../../shared/benchmark/published.ts';

/** Benchmarks that start with one click. Two put a publication's figures beside the measured ones. */
export const PRESETS: readonly Omit<PresetOffer, 'cost'>[] = [
  {
    id: 'edit',
    title: 'What an edit saves',
    description: 'Edits a tenth of a generated image with and without the shortcut, and shows both results.',
    action: 'Run an Edit',
    draft: {
      scope: 'whole',
      cases: ['dense', 'sparse'],
      maskKind: 'share',
      share: '10',
      repeat: '3',
      profile: false,
      isolate: false,
    },
  },
  {
    id: 'budget',
    title: 'Compute budget',
    description:
      'One image with 100, 70, 50, 40 and 20\u00a0% of the operations, each beside an image of fewer full steps at the same cost.',
    action: 'Run Budgets',
    draft: {
      scope: 'whole',
      cases: [
        'generate',
        ...[70, 50, 40, 20].flatMap((percent) => [`budget-${percent}`, `steps-${percent}`]),
      ],
      steps: '20',
      repeat: '1',
      profile: false,
      isolate: false,
    },
  },
  {
    id: 'sige',
    title: "SIGE's table",
    description:
      'One step of the three Stable Diffusion edits of the SIGE paper (Li et al., NeurIPS 2022), beside its figures.',
    action: "Run SIGE's Table",
    draft: {
      model: SIGE.model,
      size: `${SIGE.width}x${SIGE.height}`,
      cases: ['dense', 'sparse'],
      maskKind: 'sige',
      repeat: '1',
      isolate: false,
    },
  },
  {
    id: 'distrifusion',
    title: "DistriFusion's table",
    description:
      'One image on 1, 2 and 4 workers of one thread, as in the DistriFusion paper (Li et al., CVPR 2024), beside its factors.',
    action: "Run DistriFusion's Table",
    draft: {
      scope: 'whole',
      size: '512x512',
      cases: ['generate', 'branches', 'patch', 'naive'],
      steps: '20',
      workers: '2, 4',
      threads: '1',
      repeat: '2',
      profile: false,
      isolate: false,
    },
  },
];
