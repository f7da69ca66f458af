import { EventEmitter } from 'vscode';

/** Fired when a model was fetched or removed. */
export const modelChanges = new EventEmitter<void>();
