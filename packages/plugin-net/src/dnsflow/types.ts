// SPDX-License-Identifier: MIT

/** Types whose records carry addresses, or may. */
export const A = 1;
export const AAAA = 28;
export const ANY = 255;

/** The types that are asked for, by number (IANA's DNS parameters). */
const names: Readonly<Record<number, string>> = {
  [A]: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  13: "HINFO",
  15: "MX",
  16: "TXT",
  [AAAA]: "AAAA",
  29: "LOC",
  33: "SRV",
  35: "NAPTR",
  37: "CERT",
  39: "DNAME",
  43: "DS",
  44: "SSHFP",
  46: "RRSIG",
  47: "NSEC",
  48: "DNSKEY",
  50: "NSEC3",
  52: "TLSA",
  59: "CDS",
  60: "CDNSKEY",
  61: "OPENPGPKEY",
  64: "SVCB",
  65: "HTTPS",
  99: "SPF",
  249: "TKEY",
  250: "TSIG",
  251: "IXFR",
  252: "AXFR",
  [ANY]: "ANY",
  256: "URI",
  257: "CAA",
};

/** The mnemonic of a type, `TYPE123` for one that has none here (RFC 3597, section 5). */
export const typeName = (type: number): string => names[type] ?? `TYPE${type}`;
