// SPDX-License-Identifier: MIT OR Apache-2.0
/** Audio worklet that hands decoded sound, block by block, to its page. */
class Listener extends AudioWorkletProcessor {
	process([input]) {
		const channel = input[0];
		if (channel)
			this.port.postMessage({ at: currentFrame, pcm: channel.slice() });
		return true;
	}
}

registerProcessor('listener', Listener);
