/** Errors of calls, as sent between processes. */
import type { ResponseError } from 'vscode-jsonrpc';
import { abortError, ForgottenError, InputError } from '../../engine/errors.ts';
import type { FailureData } from './protocol.ts';

/** Data that is sent with the message of an error. */
export function failureOf(error: unknown): FailureData {
  if (!(error instanceof Error)) return { name: 'Error' };
  const { name, stack } = error;
  return { name, stack, ...(error instanceof InputError && { setting: error.setting }) };
}

/** The error that was thrown on the other side, by its name. */
export function errorOf(response: ResponseError<FailureData>): Error {
  const name = response.data?.name;
  if (name === 'InputError') return new InputError(response.message, { setting: response.data?.setting });
  if (name === 'ForgottenError') return new ForgottenError(response.message);
  if (name === 'AbortError') return abortError();
  const error = new Error(response.message);
  if (response.data?.stack) error.stack = response.data.stack;
  return error;
}
