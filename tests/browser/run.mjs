// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Runs the browser tests one after the other: real time must not be shared.
 *   node tests/browser/run.mjs ws://127.0.0.1:8080 [name...]
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const options = process.argv.slice(2).filter((a) => /^(wss?:|--)/.test(a));
const names = process.argv.slice(2).filter((a) => !/^(wss?:|--)/.test(a));
const files = readdirSync(here).filter((f) => f.endsWith('.test.mjs'))
	.filter((f) => !names.length || names.includes(f.replace('.test.mjs', '')))
	.sort();

const failed = [];
for (const file of files) {
	console.log(`== ${file}`);
	const { status } = spawnSync(process.execPath,
		[join(here, file), ...options], { stdio: 'inherit' });
	if (status !== 0)
		failed.push(file);
}
console.log(`browser tests: ${files.length - failed.length} of ` +
	`${files.length} files passed` +
	(failed.length ? `; failed: ${failed.join(', ')}` : ''));
process.exit(failed.length || !files.length ? 1 : 0);
