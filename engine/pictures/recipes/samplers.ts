import {
  type Recipe,
  SCHEDULER_TITLES,
  type SchedulerName,
  SIGMA_SPACINGS,
  SIGMA_TITLES,
  type SigmaSpacing,
  WEBUI_NAMES,
} from '../../../shared/api.ts';

/** Samplers by the names of Stable Diffusion WebUI. */
export const SAMPLER_LABELS: Readonly<Record<SchedulerName, string>> = {
  ...SCHEDULER_TITLES,
  ...WEBUI_NAMES,
};

/** Names in lower case without spaces and dashes: the WebUI's, ComfyUI's and ours. */
const SAMPLERS_BY_LABEL: ReadonlyMap<string, SchedulerName> = new Map([
  ...Object.entries(SAMPLER_LABELS).map(([name, label]) => [plain(label), name as SchedulerName] as const),
  ...Object.keys(SAMPLER_LABELS).map((name) => [plain(name), name as SchedulerName] as const),
  ...Object.entries(SCHEDULER_TITLES).map(([name, title]) => [plain(title), name as SchedulerName] as const),
]);

/** The sampler of a label. */
export function samplerNamed(label: string): SchedulerName | undefined {
  return SAMPLERS_BY_LABEL.get(plain(label));
}

/**
 * The sampler and how its noise levels are spaced. Newer tools say the latter in a setting of its own, older ones at
 * the end of the sampler's name.
 */
export function samplerOf(settings: ReadonlyMap<string, string>): {
  scheduler?: SchedulerName;
  sigmas?: SigmaSpacing;
} {
  const label = plain(settings.get('Sampler') ?? '');
  const own = samplerNamed(label);
  const sigmas = sigmasOf(settings.get('Schedule type') ?? '');
  if (!sigmas && own) return { scheduler: own };
  const ending = SIGMA_SPACINGS.find((name) => label.endsWith(name));
  const spacing = sigmas ?? ending;
  const bare = ending ? label.slice(0, -ending.length) : label;
  const named = SAMPLERS_BY_LABEL.get(`${bare}${spacing}`);
  if (named) return { scheduler: named };
  const scheduler = SAMPLERS_BY_LABEL.get(bare);
  return { ...(scheduler && { scheduler }), ...(scheduler && spacing && { sigmas: spacing }) };
}

/** How noise levels are spaced, by the names of A1111, ComfyUI, SwarmUI and NovelAI. */
function sigmasOf(schedule: string): SigmaSpacing | undefined {
  const name = plain(schedule);
  return SIGMA_SPACINGS.find((spacing) => name === spacing || name === plain(SIGMA_TITLES[spacing]));
}

/** Whether a sampler's noise levels are what a recipe says of them, in the words of A1111, ComfyUI and NovelAI. */
export function isKnownSchedule(schedule = '', { scheduler, sigmas }: Partial<Recipe>): boolean {
  const asked = sigmasOf(schedule);
  if (asked) return sigmas === asked || scheduler?.endsWith(asked) === true;
  return /^(?:|automatic|default|normal|discrete|native|uniform|linear)$/i.test(schedule);
}

function plain(label: string): string {
  return label
    .toLowerCase()
    .replaceAll('++', 'pp')
    .replaceAll(/[\s_-]/g, '');
}
