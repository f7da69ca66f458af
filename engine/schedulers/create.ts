import { SCHEDULERS, type SchedulerName, type SigmaSpacing } from '../../shared/api.ts';
import { InputError, quoted } from '../errors.ts';
import { allFinite } from '../numbers.ts';
import { asSchedulerConfig, SCHEDULER_CONFIG_FILE, type SchedulerConfig } from './config.ts';
import { createDdim } from './ddim.ts';
import { createDeis } from './deis.ts';
import { createDpmpp } from './dpmpp-2m.ts';
import { createDpmpp2mSde } from './dpmpp-2m-sde.ts';
import { createErSde } from './er-sde.ts';
import { createEuler } from './euler.ts';
import { createEulerAncestral } from './euler-ancestral.ts';
import { dynamicShift } from './flow.ts';
import { createFlowEuler } from './flow-euler.ts';
import { createLcm } from './lcm.ts';
import type { Scheduler } from './scheduler.ts';
import { createScm } from './scm.ts';
import { createTcd } from './tcd.ts';
import { createDpm2, createDpmpp2sAncestral, createDpmppSde, createHeun } from './two-runs.ts';
import { createUniPC } from './unipc.ts';

/** How pictures become noise: by diffusion, along a flow's straight lines, or over TrigFlow's angles. */
type NoiseProcess = 'diffusion' | 'flow' | 'angles';

interface Sampler {
  create(config: SchedulerConfig, steps: number): Scheduler;
  /** Processes that it can reverse; diffusion if absent. */
  processes?: readonly NoiseProcess[];
  /** Set if the user can choose how its noise levels are spaced. */
  spaced?: true;
  /** Config values that the sampler's name implies. */
  implies?: Readonly<Record<string, unknown>>;
}

const SAMPLERS: Readonly<Record<SchedulerName, Sampler>> = {
  ddim: { create: createDdim },
  euler: { create: createEuler, spaced: true },
  'euler-a': { create: createEulerAncestral, spaced: true },
  'dpmpp-2m': {
    create: createDpmpp,
    processes: ['diffusion', 'flow'],
    spaced: true,
    implies: { algorithm_type: 'dpmsolver++', solver_order: 2, use_karras_sigmas: false },
  },
  'dpmpp-2m-karras': {
    create: createDpmpp,
    spaced: true,
    implies: { algorithm_type: 'dpmsolver++', solver_order: 2, use_karras_sigmas: true },
  },
  'dpmpp-2m-sde': { create: createDpmpp2mSde, spaced: true },
  'dpmpp-sde': { create: createDpmppSde, spaced: true },
  'dpmpp-2s-a': { create: createDpmpp2sAncestral, spaced: true },
  heun: { create: createHeun, spaced: true },
  dpm2: { create: createDpm2, spaced: true },
  deis: { create: createDeis, spaced: true },
  'er-sde': { create: createErSde, spaced: true },
  unipc: { create: createUniPC, spaced: true },
  lcm: { create: createLcm },
  tcd: { create: createTcd },
  'flow-euler': { create: createFlowEuler, processes: ['flow'] },
  scm: { create: createScm, processes: ['angles'] },
};

/** Samplers by the name of their diffusers class. */
const CLASSES: ReadonlyMap<string, Sampler['create']> = new Map([
  ['DDIMScheduler', createDdim],
  ['EulerDiscreteScheduler', createEuler],
  ['EulerAncestralDiscreteScheduler', createEulerAncestral],
  ['DPMSolverMultistepScheduler', createDpmpp],
  ['UniPCMultistepScheduler', createUniPC],
  ['LCMScheduler', createLcm],
  ['TCDScheduler', createTcd],
  ['FlowMatchEulerDiscreteScheduler', createFlowEuler],
  ['SCMScheduler', createScm],
]);

/** Classes that published checkpoints use and that are not implemented, each with the nearest sampler. */
const STAND_INS: ReadonlyMap<string, SchedulerName> = new Map([
  ['PNDMScheduler', 'ddim'],
  ['LMSDiscreteScheduler', 'euler'],
]);

/** Classes with a noise process that is not known. A config of any other class works with every sampler of diffusion. */
const OTHER_PROCESS = /Flow|EDM|KarrasVe|ScoreSde|CMStochastic|VQDiffusion|Amused/;
/** A class with a process of its own, but in a config that was made from another class's, whose betas stay in it. */
const OWN_BETAS = /IPNDM/;

interface SchedulerOptions {
  /** The config's file, for errors. */
  file?: string;
  /** Positions of the image's latents: some configs depend on its size. */
  positions?: number;
  /** Where the steps are, in place of the config's spacing, as diffusers' `set_timesteps(timesteps=…)`. */
  timesteps?: readonly number[] | undefined;
  /** How the noise levels are spaced, in place of the config's spacing. */
  sigmas?: SigmaSpacing | undefined;
  /** For a model of the family of Stable Diffusion XL. */
  isXl?: boolean;
}

/**
 * The sampler for a model's `scheduler_config.json` (untrusted) and a number of steps.
 *
 * Without an override the config's `_class_name` decides; `PNDMScheduler` becomes DDIM and `LMSDiscreteScheduler`
 * becomes Euler. An override works with the config of any class that has the same noise process, known or not. As in
 * diffusers' `from_config`, values of the config stay and missing ones take the new sampler's default; but a missing
 * `clip_sample` is off, because it clips pixels and these models work on latents.
 * @throws InputError for an unsupported class or value, a number out of range, or too many steps.
 */
export function createScheduler(
  config: unknown,
  steps: number,
  override?: SchedulerName,
  { file = SCHEDULER_CONFIG_FILE, positions, timesteps, sigmas, isXl = false }: SchedulerOptions = {},
): Scheduler {
  if (sigmas) checkSpaced(config, override, file);
  if (timesteps && (sigmas || !placesSteps(config, override, file)))
    throw new InputError('This sampler places its steps itself; use dpmpp-2m, or a plan without timesteps.', {
      setting: 'scheduler',
    });
  const { values: read } = asSchedulerConfig(config, file);
  const checked: SchedulerConfig = {
    file,
    values: { ...read, timesteps },
    ...(positions !== undefined && { positions }),
    ...(sigmas && { sigmas, isXl }),
  };
  const { _class_name: className } = checked.values;
  const name = typeof className === 'string' ? className : '';
  const create = CLASSES.get(name);
  const sameSampler = override === knownScheduler(config, file) && !isOtherSolver(checked);
  if (create && (!override || sameSampler)) return withNumbers(create(checked, steps), file);

  const sampler = override ?? STAND_INS.get(name);
  if (!sampler || (!create && isOtherProcess(checked.values))) throw unsupportedClass(checked.values, file);
  const usable = schedulersFor(config, file);
  if (!usable.includes(sampler))
    throw new InputError(
      `The scheduler ${sampler} is made for another kind of model; for this one: ${usable.join(', ')}.`,
      { setting: 'scheduler' },
    );
  const { create: createOther, implies } = SAMPLERS[sampler];
  const values = { clip_sample: false, ...checked.values, ...inFlowTerms(checked, steps), ...implies };
  return withNumbers(createOther({ ...checked, values }, steps), file);
}

/** @throws InputError if numbers that are in range one by one give no timesteps together */
function withNumbers(scheduler: Scheduler, file: string): Scheduler {
  if (allFinite(scheduler.timesteps)) return scheduler;
  throw new InputError(`${file}: its numbers give no timesteps; check the scheduler's config.`);
}

/** @throws InputError if a model's sampler, or the one in its place, does not take noise levels that the user spaces */
function checkSpaced(config: unknown, override: SchedulerName | undefined, file: string): void {
  const sampler = override ?? knownScheduler(config, file);
  if (sampler && SAMPLERS[sampler].spaced && processOf(asSchedulerConfig(config, file)) === 'diffusion')
    return;
  const named = schedulersFor(config, file).filter((name) => SAMPLERS[name].spaced);
  throw new InputError(
    named.length > 0 && processOf(asSchedulerConfig(config, file)) === 'diffusion'
      ? `The scheduler ${sampler ?? 'of this model'} spaces its noise levels itself; with sigmas use ${named.join(', ')}.`
      : 'This model spaces its noise levels itself; leave out the sigmas.',
    { setting: 'sigmas' },
  );
}

/** Whether a model's sampler, or the one in its place, takes timesteps from elsewhere. */
export function placesSteps(
  config: unknown,
  override?: SchedulerName,
  file = SCHEDULER_CONFIG_FILE,
): boolean {
  const checked = asSchedulerConfig(config, file);
  const sampler = override ?? knownScheduler(config, file);
  return sampler === 'dpmpp-2m' && processOf(checked) === 'diffusion' && !isOtherSolver(checked);
}

/** The samplers that work with a model's config, because they reverse its noise process. */
export function schedulersFor(config: unknown, file = SCHEDULER_CONFIG_FILE): SchedulerName[] {
  const process = processOf(asSchedulerConfig(config, file));
  return SCHEDULERS.filter((name) => (SAMPLERS[name].processes ?? ['diffusion']).includes(process));
}

function processOf({ values }: SchedulerConfig): NoiseProcess {
  if (values._class_name === 'SCMScheduler') return 'angles';
  const isFlow = values._class_name === 'FlowMatchEulerDiscreteScheduler' || values.use_flow_sigmas === true;
  return isFlow ? 'flow' : 'diffusion';
}

/** A flow's shift and its kind, as each class of diffusers names them. */
function inFlowTerms(config: SchedulerConfig, steps: number): object {
  if (processOf(config) !== 'flow') return {};
  const { shift, flow_shift: flowShift, use_dynamic_shifting: isDynamic } = config.values;
  const known = isDynamic === true ? dynamicShift(config, steps) : (shift ?? flowShift);
  const both = known === undefined ? {} : { shift: known, flow_shift: known };
  return { ...both, use_flow_sigmas: true, prediction_type: 'flow_prediction' };
}

/** Whether a config of DPM-Solver++'s class asks for another algorithm. It must not override the user's choice. */
function isOtherSolver({ values }: SchedulerConfig): boolean {
  const { algorithm_type: algorithm } = values;
  return (
    typeof algorithm === 'string' && ['dpmsolver', 'sde-dpmsolver', 'sde-dpmsolver++'].includes(algorithm)
  );
}

/**
 * Name of the sampler that a config asks for, as `--scheduler` takes it.
 * @throws InputError for a class that needs an override in `createScheduler`.
 */
export function schedulerNameOf(config: unknown, file = SCHEDULER_CONFIG_FILE): SchedulerName {
  const known = knownScheduler(config, file);
  if (!known) throw unsupportedClass(asSchedulerConfig(config, file).values, file);
  return known;
}

/** As `schedulerNameOf`, but undefined for a class that needs an override. */
export function knownScheduler(config: unknown, file = SCHEDULER_CONFIG_FILE): SchedulerName | undefined {
  const { _class_name: className, use_karras_sigmas: karras } = asSchedulerConfig(config, file).values;
  const name = typeof className === 'string' ? className : '';
  const standIn = STAND_INS.get(name);
  if (standIn) return standIn;
  const create = CLASSES.get(name);
  if (create === createDpmpp) return karras === true ? 'dpmpp-2m-karras' : 'dpmpp-2m';
  return SCHEDULERS.find((sampler) => SAMPLERS[sampler].create === create);
}

function isOtherProcess({ _class_name: name, ...values }: Readonly<Record<string, unknown>>): boolean {
  if (typeof name !== 'string') return false;
  const hasBetas = values.beta_schedule !== undefined || values.beta_start !== undefined;
  return OTHER_PROCESS.test(name) || (OWN_BETAS.test(name) && !hasBetas);
}

function unsupportedClass(config: Readonly<Record<string, unknown>>, file: string): InputError {
  const supported = [...CLASSES.keys(), ...STAND_INS.keys()].join(', ');
  const { _class_name: className } = config;
  const hint = isOtherProcess(config)
    ? ''
    : ` Choose another scheduler: ${Object.keys(SAMPLERS).join(', ')}.`;
  return new InputError(
    `${file}: scheduler class ${quoted(className ?? null)} is not supported (supported: ${supported}).${hint}`,
  );
}
