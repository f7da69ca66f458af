/** Names that `--scheduler` and the settings take. */
export const SCHEDULERS = [
  'ddim',
  'euler',
  'euler-a',
  'dpmpp-2m',
  'dpmpp-2m-karras',
  'dpmpp-2m-sde',
  'dpmpp-sde',
  'dpmpp-2s-a',
  'heun',
  'dpm2',
  'deis',
  'er-sde',
  'unipc',
  'lcm',
  'tcd',
  'flow-euler',
  'scm',
] as const;
export type SchedulerName = (typeof SCHEDULERS)[number];

/** Names for people. */
export const SCHEDULER_TITLES: Readonly<Record<SchedulerName, string>> = {
  ddim: 'DDIM',
  euler: 'Euler',
  'euler-a': 'Euler ancestral',
  'dpmpp-2m': 'DPM++ 2M',
  'dpmpp-2m-karras': 'DPM++ 2M Karras',
  'dpmpp-2m-sde': 'DPM++ 2M SDE',
  'dpmpp-sde': 'DPM++ SDE',
  'dpmpp-2s-a': 'DPM++ 2S ancestral',
  heun: 'Heun',
  dpm2: 'DPM2',
  deis: 'DEIS',
  'er-sde': 'ER-SDE',
  unipc: 'UniPC',
  lcm: 'LCM',
  tcd: 'TCD',
  'flow-euler': 'Flow Euler',
  scm: 'SCM',
};

/** Spacings of the steps' noise levels, in place of the model's own; `--sigmas` and the settings take these. */
export const SIGMA_SPACINGS = ['karras', 'exponential', 'ays'] as const;
export type SigmaSpacing = (typeof SIGMA_SPACINGS)[number];

/** Names for people and in recipes, those of Stable Diffusion WebUI. */
export const SIGMA_TITLES: Readonly<Record<SigmaSpacing, string>> = {
  karras: 'Karras',
  exponential: 'Exponential',
  ays: 'Align Your Steps',
};

/** Names in recipes, those of Stable Diffusion WebUI, if they differ from the titles. */
export const WEBUI_NAMES: Readonly<Partial<Record<SchedulerName, string>>> = {
  'euler-a': 'Euler a',
  'dpmpp-2s-a': 'DPM++ 2S a',
};
