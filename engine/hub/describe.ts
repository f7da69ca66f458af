import { hubEnvironment } from '#host';
import { formatBytes, formatDuration } from '../../shared/units.ts';
import type { FetchPlan, FetchProgress } from './fetch-model.ts';

/** `420.0 MB of 1.29 GB, 25.0 MB/s, 40 s left` */
export function describeProgress({ bytes, totalBytes, bytesPerSecond, secondsLeft }: FetchProgress): string {
  const rate = bytesPerSecond ? [`${formatBytes(bytesPerSecond)}/s`] : [];
  const left = secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`];
  return [`${formatBytes(bytes)} of ${formatBytes(totalBytes)}`, ...rate, ...left].join(', ');
}

/** What a download would mean, one sentence a line. */
export function describePlan({ repository, bytes, missingBytes, freeBytes, files }: FetchPlan): string[] {
  const { id, commit, licence } = repository;
  const here = missingBytes < bytes ? `, ${formatBytes(bytes - missingBytes)} of which are here` : '';
  return [
    `${id} at ${commit.slice(0, 12)}: ${files.length} files, ${formatBytes(bytes)}${here}; ${hubEnvironment.room(freeBytes)}.`,
    `Licence: ${licence ?? 'its card names none'}.`,
  ];
}
