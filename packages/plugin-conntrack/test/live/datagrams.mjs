// SPDX-License-Identifier: MIT
// Sends one datagram from each of SOCKETS ports to each of PORTS ports of ADDRESS, and prints the ports they came from.
import dgram from "node:dgram";
import { once } from "node:events";

const [address, sockets, ports] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const from = [];
for (let index = 0; index < sockets; index++) {
  const socket = dgram.createSocket({ type: "udp4", sendBufferSize: 4 * 1024 * 1024 });
  socket.on("error", () => {});
  socket.bind(0);
  await once(socket, "listening");
  from.push(socket.address().port);
  let sent = 0;
  await new Promise((resolve) => {
    for (let port = 1; port <= ports; port++) socket.send("x", port, address, () => ++sent === ports && resolve());
  });
  socket.close();
}
console.log(JSON.stringify(from));
