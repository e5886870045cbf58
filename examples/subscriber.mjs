// Print a line for each judged frame and each warning. Needs "npm install" in this folder, Node.js 18 or newer.
import { Subscriber } from "zeromq";

const socket = new Subscriber();
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:5556");
socket.subscribe("am1/frame/judged/", "am1/alert/"); // topics match by their beginning
for await (const [topic, data] of socket) {
  const { kind, body } = JSON.parse(data.toString());
  const text = body.alert_id ? body.sentence : `${body.decision} ${body.class} ${body.file}`;
  console.log(kind, text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?")); // a file name may hold escape sequences
}
