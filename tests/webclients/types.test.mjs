// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The types of web/client: the modules check by themselves, the page checks
 * against remotemedia.d.ts, and that says what the modules really are.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, '../../web');
const room = join(here, 'build/types');

const OPTIONS = ['--noEmit', '--strict', '--allowJs', '--checkJs',
	'--skipLibCheck', '--target', 'es2022', '--module', 'es2022',
	'--moduleResolution', 'bundler', '--lib', 'es2023,dom,dom.iterable'];

const SAME = `
import * as made from './impl/remotemedia.js';
import type * as said from './declared/remotemedia';
type Said = typeof said;
// Each export, none more, none fewer.
const all: Record<keyof Said, unknown> = made;
const back: Record<keyof typeof made, unknown> = null! as Said;
// Members, by name, and what they give.
type Plain<T> = Omit<T, 'addEventListener' | 'redial' | 'callWith' | 'call' |
	'accept' | 'calls' | 'signaling' | 'token'>;
type Names<T, U> = Exclude<keyof T, keyof U>;
type None<T extends never> = T;
type Check = None<Names<said.RemoteMedia, made.RemoteMedia> |
	Names<made.RemoteMedia, said.RemoteMedia> |
	Names<said.Call, made.Call> | Names<made.Call, said.Call> |
	Names<said.Signaling, made.Signaling> |
	Names<made.Signaling, said.Signaling>>;
const media: Plain<said.RemoteMedia> = null! as made.RemoteMedia;
const call: Plain<said.Call> = null! as made.Call;
const error: said.SignalingError = null! as made.SignalingError;
const figures: said.Figures = null! as Awaited<ReturnType<made.Call['stats']>>;
const options: ConstructorParameters<typeof made.RemoteMedia>[0] =
	null! as said.RemoteMediaOptions;
const offering: Parameters<made.RemoteMedia['call']>[1] =
	null! as said.Offering;
export { all, back, media, call, error, figures, options, offering };
export type { Check };
`;

const USE = `
import { RemoteMedia } from './declared/remotemedia';
const media = new RemoteMedia({ session: 's', token: async () => 't' });
media.addEventListener('message', (e) => { const peer: string = e.peer; peer; });
const opening: Promise<RemoteMedia> = media.connect();
// @ts-expect-error no such function
media.conect();
// @ts-expect-error neither a boolean nor constraints
media.call('x', { audio: 'loud' });
// @ts-expect-error not a number
const n: number = media.peerId;
export { opening, n };
`;

// One run: most of its time is the library of types.
test('modules, page and declarations agree', () => {
	rmSync(room, { recursive: true, force: true });
	mkdirSync(join(room, 'declared'), { recursive: true });
	cpSync(join(web, 'client'), join(room, 'impl'), { recursive: true });
	cpSync(join(room, 'impl/remotemedia.d.ts'),
		join(room, 'declared/remotemedia.d.ts'));
	rmSync(join(room, 'impl/remotemedia.d.ts'));
	writeFileSync(join(room, 'same.ts'), SAME);
	writeFileSync(join(room, 'use.ts'), USE);
	const { status, stdout } = spawnSync(process.execPath, [
		join(here, 'node_modules/typescript/bin/tsc'), ...OPTIONS,
		join(web, 'app.js'), join(room, 'impl/remotemedia.js'),
		join(room, 'same.ts'), join(room, 'use.ts'),
	], { encoding: 'utf8' });
	assert.equal(status, 0, stdout);
});
