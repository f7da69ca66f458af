/** The cost of an edit, and of its full recompute. */
import type { EditRequest, EditResult } from '../../shared/api.ts';
import type { EditCost } from '../../shared/editorProtocol.ts';
import { stepsByPositions, wholeStepsOf } from '../../shared/stepPlan.ts';
import { type DenseSpeed, type DenseStep, denseStepOf } from '../denseSpeed.ts';

export function costOf(result: EditResult): EditCost {
  return {
    prompt: result.recipe.prompt,
    seed: result.recipe.seed,
    steps: result.stepSeconds.length,
    macs: result.macs - result.recordingMacs,
    denseMacs: result.denseMacs,
    recordingMacs: result.recordingMacs,
    recordedSteps: result.recordedSteps,
    recordSeconds: sum(result.recordSeconds),
    seconds: result.seconds,
    loadSeconds: result.loadSeconds,
    activeFraction: result.activeFraction,
    computed: result.computed,
    ...(result.budget && { means: result.budget.plan }),
  };
}

/**
 * Time of computing everything: measured by this edit if it did that, else estimated from whole steps of this size, those
 * without guidance as half of one with it if need be. Undefined if this machine has computed none.
 */
export async function fullRecomputeTime(
  speed: DenseSpeed,
  request: EditRequest,
  result: EditResult,
): Promise<EditCost['dense']> {
  const { recipe, stepSeconds, seconds, loadSeconds, denseMacs, computed } = result;
  // Workers share steps, so theirs say nothing about this machine alone.
  if (result.workers) return undefined;
  if (!wholeStepsOf(recipe.stepPlan)) return undefined;
  if (computed.length === 0) {
    await learnFull(speed, request, result);
    return { seconds: seconds - loadSeconds, measured: true };
  }
  const step = await denseStepOf(request, recipe).catch(() => undefined);
  if (!step) return undefined;
  const timeOf = (macs: number) => speed.stepTime({ ...step, macs }, { sameSize: true })?.seconds;
  const guided = timeOf(2 * step.macs);
  const time = timeOf(step.macs) ?? (guided && guided / 2);
  if (time === undefined) return undefined;
  // Beside the steps: as long as in the fastest full recompute of this size; else decoding the whole picture at the steps' speed.
  const { equivalent: steps } = stepsByPositions(recipe.stepPlan, stepSeconds.length);
  const fastest = (times: number[]) => Math.min(...times);
  const known = speed.stepTime(besideSteps(step), { sameSize: true, of: fastest })?.seconds;
  const others = known ?? (time * (denseMacs - steps * step.macs)) / step.macs;
  return { seconds: steps * time + Math.max(others, othersOf(result)), measured: false };
}

/** Learns from a full recompute how long its steps take, and everything beside them. */
export async function learnFull(speed: DenseSpeed, request: EditRequest, result: EditResult): Promise<void> {
  const step = await speed.learn(request, result.recipe, result.stepSeconds);
  if (step) await speed.note(besideSteps(step), [othersOf(result)]);
}

/** What is computed beside the steps of a picture, above all encoding and decoding it, as a sample of `DenseSpeed`. */
function besideSteps(step: DenseStep): DenseStep {
  return { ...step, model: `${step.model} beside its steps` };
}

function othersOf({ seconds, loadSeconds, recordSeconds, stepSeconds }: EditResult): number {
  return seconds - loadSeconds - sum(recordSeconds) - sum(stepSeconds);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
