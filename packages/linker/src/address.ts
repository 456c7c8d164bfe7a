// SPDX-License-Identifier: MIT

const mapped = "::ffff:";

/** One text for one address: IPv4 without the IPv6 around it, IPv6 in its shortest form. What is no address stays as it is. */
export function canonicalAddress(ip: string): string {
  if (!ip.includes(":")) return ip;
  const [address = "", zone] = ip.toLowerCase().split("%", 2);
  if (address.startsWith(mapped) && address.includes(".")) return address.slice(mapped.length);
  if (!URL.canParse(`http://[${address}]/`)) return ip;
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  if (short.startsWith(mapped)) return dotted(short.slice(mapped.length));
  return zone === undefined ? short : `${short}%${zone}`;
}

/** `c0a8:101` -> `192.168.1.1` */
function dotted(groups: string): string {
  const [high = 0, low = 0] = groups.split(":").map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
