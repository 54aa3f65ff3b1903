// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Pictures of the demo page, for people to look at:
 *   node tests/browser/shots.mjs ws://127.0.0.1:8080 FOLDER
 * Narrow and wide, light and dark, before, during and after a call; demo.png is
 * the one of docs/images.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Rig, sleep } from './rig.mjs';

const folder = process.argv.slice(2).find((a) => !/^wss?:/.test(a)) ??
	'build/shots';
const VIEWS = [
	['wide', 1280, 1000], ['narrow', 390, 844],
];

await mkdir(folder, { recursive: true });
const rig = await Rig.start();
const home = `${rig.origin}/web/index.html`;
for (const colorScheme of ['light', 'dark']) {
	for (const [name, width, height] of VIEWS) {
		const save = (page, what) => page.screenshot({
			path: join(folder, `${name}-${colorScheme}-${what}.png`),
			fullPage: true,
		});
		const options = { viewport: { width, height }, colorScheme };
		const page = await rig.page(
			`${home}?source=test&url=${encodeURIComponent(rig.url)}`, options);
		await save(page, 'idle');
		await page.click('#connect');
		await page.waitForSelector('[data-step=data][data-state=done]');
		for (const text of ['Hello, server!', 'Round and round it goes']) {
			await page.fill('#text', text);
			await page.press('#text', 'Enter');
		}
		await sleep(8000);
		await save(page, 'call');
		await page.context().close();
		const lost = await rig.page(`${home}?source=test&url=ws://127.0.0.1:9`,
			options);
		await lost.click('#connect');
		await lost.waitForSelector('#banner:visible');
		await save(lost, 'gone');
		await lost.context().close();
	}
}
const page = await rig.page(
	`${home}?source=test&url=${encodeURIComponent(rig.url)}`,
	{ viewport: { width: 1180, height: 1010 } });
await page.click('#connect');
await page.waitForSelector('[data-step=data][data-state=done]');
await page.fill('#text', 'Hello, server!');
await page.press('#text', 'Enter');
await sleep(25000);
await page.evaluate(() => {
	document.activeElement.blur();
	scrollTo(0, 0);
});
await page.mouse.move(2, 2);
await page.screenshot({ path: join(folder, 'demo.png') });
await rig.close();
