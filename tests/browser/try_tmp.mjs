import { chromium } from 'playwright-core';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
const BIN='/work/main/build/'+(process.env.MODE??'release');
const srv=createServer((q,r)=>{r.writeHead(200,{'content-type':'text/html'});r.end('<html></html>')});
await new Promise(d=>srv.listen(0,'127.0.0.1',d));
const b=await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu','--autoplay-policy=no-user-gesture-required','--use-fake-device-for-media-stream','--use-fake-ui-for-media-stream','--disable-dev-shm-usage','--mute-audio']});
const page=await b.newPage(); page.on('console',m=>console.log('page:',m.text()));
await page.goto(`http://127.0.0.1:${srv.address().port}/`);
const p=spawn(BIN+'/tests/proc/lone_peer',[BIN+'/bin/ice-worker'],{stdio:['pipe','pipe','inherit']});
let buf=Buffer.alloc(0), waiters=[];
p.stdout.on('data',d=>{buf=Buffer.concat([buf,d]);waiters.splice(0).forEach(f=>f())});
p.stdout.on('end',()=>{buf=null;waiters.splice(0).forEach(f=>f())});
const more=()=>new Promise(f=>waiters.push(f));
async function line(){for(;;){if(!buf)return null;const i=buf.indexOf(10);if(i>=0){const l=buf.subarray(0,i).toString();buf=buf.subarray(i+1);return l}await more()}}
async function bytes(n){while(buf&&buf.length<n)await more();const x=buf.subarray(0,n).toString();buf=buf.subarray(n);return x}
const send=(w,t)=>p.stdin.write(`${w} ${Buffer.byteLength(t)}\n${t}`);
await page.exposeFunction('candidate',c=>send('candidate',c));
const offer=async()=>await page.evaluate(async(opts)=>{
  const pc=window.pc; await pc.setLocalDescription(await pc.createOffer(opts)); return pc.localDescription.sdp},globalThis.opts??{});
const wanted=process.argv.includes('--wanted');
await page.evaluate(async()=>{
  const pc=window.pc=new RTCPeerConnection(); window.msgs=[];
  pc.onconnectionstatechange=()=>console.log('pc',pc.connectionState);
  pc.onicecandidate=e=>window.candidate(e.candidate?`${e.candidate.sdpMid} ${e.candidate.sdpMLineIndex} ${e.candidate.candidate}`:'- - ');
  window.stream=await navigator.mediaDevices.getUserMedia({audio:true,video:{width:640,height:360,frameRate:25}});
  pc.ontrack=e=>{const v=document.createElement(e.track.kind);v.srcObject=new MediaStream([e.track]);v.autoplay=true;v.muted=true;document.body.append(v)};
});
if(!wanted){
 await page.evaluate(()=>{const pc=window.pc;for(const t of stream.getTracks())pc.addTrack(t,stream);
  const ch=window.ch=pc.createDataChannel('chat');ch.binaryType='arraybuffer';ch.onmessage=e=>msgs.push(e.data.length??e.data.byteLength);
  ch.onopen=()=>{console.log('open');ch.send('hi');ch.send(new Uint8Array(262144));ch.send('');ch.send(new Uint8Array(0))}});
 send('offer',await offer());
} else p.stdin.write('want 7\n');
let k=0;
(async()=>{for(;;){const l=await line();if(l===null)return;const w=l.split(' ');
 if(w[0]=='local'){const sdp=await bytes(+w[2]);if(process.argv.includes('-v'))console.log(sdp);
  if(w[1]=='1'){const a=await page.evaluate(async sdp=>{await pc.setRemoteDescription({type:'offer',sdp});for(const t of stream.getTracks())pc.addTrack(t,stream);await pc.setLocalDescription(await pc.createAnswer());return pc.localDescription.sdp},sdp);send('answer',a)}
  else await page.evaluate(sdp=>pc.setRemoteDescription({type:'answer',sdp}),sdp)}
 else console.log(l)}})();
const stats=async()=>console.log(JSON.stringify(await page.evaluate(async()=>{const o={msgs:[...msgs]};for(const s of (await pc.getStats()).values()){
 if(s.type=='inbound-rtp')o[s.kind]={pkts:s.packetsReceived,lost:s.packetsLost,frames:s.framesDecoded,conc:s.concealedSamples,silent:s.silentConcealedSamples,frz:s.freezeCount,pli:s.pliCount,nack:s.nackCount,codec:s.decoderImplementation,jb:s.jitterBufferDelay/s.jitterBufferEmittedCount};
 if(s.type=='outbound-rtp')o[s.kind+'_out']={bps:s.targetBitrate,pli:s.pliCount,nack:s.nackCount,ql:s.qualityLimitationReason,f:s.framesEncoded};
 if(s.type=='remote-inbound-rtp')o[s.kind+'_rem']={rtt:s.roundTripTime,lost:s.packetsLost};
 if(s.type=='transport')o.t={dtls:s.dtlsState,srtp:s.srtpCipher,role:s.dtlsRole}}return o})));
const wait=ms=>new Promise(r=>setTimeout(r,ms));
await wait(8000); await stats();
if(process.argv.includes('--more')){
 console.log('--- mute'); await page.evaluate(()=>{pc.getTransceivers()[1].direction='recvonly'}); send('offer',await offer()); await wait(3000); await stats();
 console.log('--- unmute + ice restart'); await page.evaluate(()=>{pc.getTransceivers()[1].direction='sendrecv'}); globalThis.opts={iceRestart:true}; send('offer',await offer()); globalThis.opts={}; await wait(4000); await stats();
 console.log('--- relink'); p.stdin.write('relink\n'); await wait(3000); await stats();
 await page.evaluate(()=>{ch.send('after')}); await wait(1000); await stats();
 console.log('--- new channel + close old'); await page.evaluate(()=>{const c=pc.createDataChannel('two',{ordered:false,maxRetransmits:1});c.onmessage=e=>msgs.push('two:'+e.data);c.onopen=()=>c.send('second');window.c2=c}); await wait(1000); await stats();
 await page.evaluate(()=>{c2.onclose=()=>console.log('c2 closed');c2.close()}); await wait(1000);
}
await page.evaluate(()=>pc.close()); await wait(1500);
await b.close(); srv.close(); p.kill();
