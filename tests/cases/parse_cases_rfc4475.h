// SPDX-License-Identifier: GPL-2.0
// The messages of RFC 4475 (tests/data/rfc4475) and what is to be seen in each. What it calls
// invalid is read where it can mean one thing only, and refused elsewhere.
#ifndef SIP_EXT_CASES_PARSE_CASES_RFC4475_H
#define SIP_EXT_CASES_PARSE_CASES_RFC4475_H

#include "parse_case.h"
#include "rfc_messages_1.h"
#include "rfc_messages_2.h"

namespace sip_cases {

inline constexpr parse_case rfc4475_cases[] = {
	{"rfc4475-badaspec", "3.1.2.14: blanks in angle brackets, read all the same", rfc4475_badaspec,
	 "OPTIONS sip:user@example.org cseq 3923239\n"
	 "ids badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3 433423 -\n"
	 "parties sip:a.g.bell@example.com sip:t.watson@example.org\n"
	 "via host4.example.com:5060 branch=z9hG4bKkdju43234\n"
	 "length 0\n"},
	{"rfc4475-badbranch", "3.2.1: the magic cookie alone as branch", rfc4475_badbranch,
	 "OPTIONS sip:user@example.com cseq 8\n"
	 "ids badbranch.sadonfo23i420jv0as0derf3j3n 33242 -\n"
	 "parties sip:caller@example.org sip:user@example.com\n"
	 "via 192.0.2.1 branch=z9hG4bK\n"
	 "length 0\n"
	 "@via[0] 192.0.2.1\n"},
	{"rfc4475-baddate", "3.1.2.12: a bad Date is no business of ours", rfc4475_baddate,
	 "INVITE sip:user@example.com cseq 1392934\n"
	 "ids baddate.239423mnsadf3j23lj42--sedfnm234 2234923 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via host.example.com branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@sdp-origin[0] 192.0.2.5\n"
	 "@sdp-connection[0] 192.0.2.5\n"
	 "+sdp o=0 c=1 streams=2\n"
	 "=audio udp rtp 49217 c=1\n"
	 "=video udp rtp 3227 c=1\n"},
	{"rfc4475-baddn", "3.1.2.15: a comma in an unquoted display name, and no empty line", rfc4475_baddn,
	 "OPTIONS sip:t.watson@example.org cseq 3923239\n"
	 "ids baddn.31415@c.example.com 43 -\n"
	 "parties sip:a.g.bell@example.com sip:t.watson@example.org\n"
	 "via c.example.com:5060 branch=z9hG4bKkdjuw\n"
	 "length 0\n"},
	{"rfc4475-badinv01", "3.1.2.1: extraneous separators", rfc4475_badinv01,
	 "error header\n"},
	{"rfc4475-badvers", "3.1.2.16: an unknown version of SIP", rfc4475_badvers,
	 "error start_line\n"},
	{"rfc4475-bcast", "3.3.10: a broadcast address in a Via", rfc4475_bcast,
	 "200 INVITE cseq 35\n"
	 "ids bcast.0384840201234ksdfak3j2erwedfsASdf 11141343 2229\n"
	 "parties sip:user@example.com sip:user@example.edu\n"
	 "via 192.0.2.198 branch=z9hG4bK1324923\n"
	 "counts vias=2 contacts=1\n"
	 "length 154\n"
	 "body v=0\n"
	 "@via[0] 192.0.2.198\n"
	 "@via[1] 255.255.255.255\n"
	 "@sdp-origin[0] 192.0.2.198\n"
	 "@sdp-connection[0] 192.0.2.198\n"
	 "+sdp o=2 c=3 streams=2\n"
	 "=audio udp rtp 49217 c=3\n"
	 "=video udp rtp 3227 c=3\n"},
	{"rfc4475-bext01", "3.3.5: unknown option tags", rfc4475_bext01,
	 "OPTIONS sip:user@example.com cseq 8\n"
	 "ids bext01.0ha0isndaksdj 242etr -\n"
	 "parties sip:caller@example.net sip:j_user@example.com\n"
	 "via fold-and-staple.example.com branch=z9hG4bKkdjuw\n"
	 "length 0\n"},
	{"rfc4475-bigcode", "3.1.2.19: a status code past 32 bits", rfc4475_bigcode,
	 "error start_line\n"},
	{"rfc4475-clerr", "3.1.2.2: Content-Length larger than the message", rfc4475_clerr,
	 "error length\n"},
	{"rfc4475-cparam01", "3.3.12: an unknown Contact parameter", rfc4475_cparam01,
	 "REGISTER sip:example.com cseq 2\n"
	 "ids cparam01.70710@saturn.example.com DkfVgjkrtMwaerKKpe -\n"
	 "parties sip:watson@example.com sip:watson@example.com\n"
	 "via saturn.example.com:5060 branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"},
	{"rfc4475-cparam02", "3.3.13: an unknown URI parameter in a Contact", rfc4475_cparam02,
	 "REGISTER sip:example.com cseq 3\n"
	 "ids cparam02.70710@saturn.example.com 838293 -\n"
	 "parties sip:watson@example.com sip:watson@example.com\n"
	 "via saturn.example.com:5060 branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"},
	{"rfc4475-dblreq", "3.1.1.8: a second request behind the first", rfc4475_dblreq,
	 "REGISTER sip:example.com cseq 8\n"
	 "ids dblreq.0ha0isndaksdj99sdfafnl3lk233412 43251j3j324 -\n"
	 "parties sip:j.user@example.com sip:j.user@example.com\n"
	 "via 192.0.2.125 branch=z9hG4bKkdjuw23492\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "rest 450\n"
	 "@via[0] 192.0.2.125\n"},
	{"rfc4475-esc01", "3.1.1.3: escaped characters in URIs", rfc4475_esc01,
	 "INVITE sip:sips%3Auser%40example.com@example.net cseq 234234\n"
	 "ids esc01.239409asdfakjkn23onasd0-3234 938 -\n"
	 "parties sip:I%20have%20spaces@example.net sip:%75se%72@example.com\n"
	 "via host5.example.net branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@sdp-origin[0] 192.0.2.1\n"
	 "@sdp-connection[0] 192.0.2.1\n"
	 "+sdp o=0 c=1 streams=2\n"
	 "=audio udp rtp 49217 c=1\n"
	 "=video udp rtp 3227 c=1\n"},
	{"rfc4475-esc02", "3.1.1.5: a method and a name that hold %", rfc4475_esc02,
	 "\?RE%47IST%45R sip:registrar.example.com cseq 29344\n"
	 "ids esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf f232jadfj23 -\n"
	 "parties sip:resource@example.com sip:resource@example.com\n"
	 "via host.example.com branch=z9hG4bK209%fzsnel234\n"
	 "counts vias=1 contacts=2\n"
	 "length 0\n"},
	{"rfc4475-escnull", "3.1.1.4: escaped NULs", rfc4475_escnull,
	 "REGISTER sip:example.com cseq 14398234\n"
	 "ids escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd 839923423 -\n"
	 "parties sip:null-%00-null@example.com sip:null-%00-null@example.com\n"
	 "via host5.example.com branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=2\n"
	 "length 0\n"},
	{"rfc4475-escruri", "3.1.2.11: escaped headers in a Request-URI", rfc4475_escruri,
	 "INVITE sip:user@example.com\?Route=%3Csip:example.com%3E cseq 149209342\n"
	 "ids escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5 341518 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via host-of-the-hour.example.com branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@sdp-origin[0] 192.0.2.1\n"
	 "@sdp-connection[0] 192.0.2.1\n"
	 "+sdp o=0 c=1 streams=2\n"
	 "=audio udp rtp 49217 c=1\n"
	 "=video udp rtp 3227 c=1\n"},
	{"rfc4475-insuf", "3.3.1: fields that must be there are missing", rfc4475_insuf,
	 "error missing_header\n"},
	{"rfc4475-intmeth", "3.1.1.2: every character a grammar allows", rfc4475_intmeth,
	 "\?!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy\?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com cseq 139122385\n"
	 "ids intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][\?}{ _token~1'+`*%!-. -\n"
	 "parties sip:mundane@example.com sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy\?,/;;*@example.com\n"
	 "via host1.example.com branch=z9hG4bK-.!%66*_+`'~\n"
	 "length 0\n"},
	{"rfc4475-inv2543", "3.4.1: an INVITE of RFC 2543", rfc4475_inv2543,
	 "INVITE sip:UserB@example.com cseq 56\n"
	 "ids inv2543.1717@ift.client.example.com - -\n"
	 "parties sip:+13035551111@ift.client.example.net;user=phone sip:+16505552222@ss1.example.net\n"
	 "via iftgw.example.com\n"
	 "body v=0\n"
	 "@sdp-origin[0] 192.0.2.5\n"
	 "@sdp-connection[0] 192.0.2.5\n"
	 "+sdp o=0 c=1 streams=1\n"
	 "=audio udp rtp 49217 c=1\n"},
	{"rfc4475-invut", "3.3.6: an unknown body type", rfc4475_invut,
	 "INVITE sip:user@example.com cseq 235448\n"
	 "ids invut.0ha0isndaksdjadsfij34n23d 8392034 -\n"
	 "parties sip:caller@example.net sip:j.user@example.com\n"
	 "via somehost.example.com branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 40\n"
	 "body <audio>\n"},
	{"rfc4475-longreq", "3.1.1.7: long values", rfc4475_longreq,
	 "INVITE sip:user@example.com cseq 3882340\n"
	 "ids longreq.onereallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallylongcallid 12982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982424 -\n"
	 "parties sip:amazinglylongcallernameamazinglylongcallernameamazinglylongcallernameamazinglylongcallernameamazinglylongcallername@example.net sip:user@example.com:6000;unknownparam1=verylonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongvalue;longparamnamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename=shortvalue;verylonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongParameterNameWithNoValue\n"
	 "via sip33.example.com\n"
	 "counts vias=34 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@via-received[33] 192.0.2.5\n"
	 "@sdp-origin[0] 192.0.2.1\n"
	 "@sdp-connection[0] 192.0.2.1\n"
	 "+sdp o=1 c=2 streams=2\n"
	 "=audio udp rtp 49217 c=2\n"
	 "=video udp rtp 3227 c=2\n"},
	{"rfc4475-ltgtruri", "3.1.2.7: angle brackets around the Request-URI", rfc4475_ltgtruri,
	 "INVITE sip:user@example.com cseq 1\n"
	 "ids ltgtruri.1@192.0.2.5 39291 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via 192.0.2.5\n"
	 "counts vias=1 contacts=1\n"
	 "length 159\n"
	 "body v=0\n"
	 "@via[0] 192.0.2.5\n"
	 "@sdp-origin[0] 192.0.2.5\n"
	 "@sdp-connection[0] 192.0.2.5\n"
	 "+sdp o=1 c=2 streams=2\n"
	 "=audio udp rtp 49217 c=2\n"
	 "=video udp rtp 3227 c=2\n"},
	{"rfc4475-lwsdisp", "3.1.1.6: no blank before the angle bracket", rfc4475_lwsdisp,
	 "OPTIONS sip:user@example.com cseq 60\n"
	 "ids lwsdisp.1234abcd@funky.example.com 323 -\n"
	 "parties sip:caller@example.com sip:user@example.com\n"
	 "via funky.example.com branch=z9hG4bKkdjuw\n"
	 "length 0\n"},
	{"rfc4475-lwsruri", "3.1.2.8: a blank in the Request-URI", rfc4475_lwsruri,
	 "INVITE sip:user@example.com; lr cseq 2130706432\n"
	 "ids lwsruri.asdfasdoeoi2323-asdfwrn23-asd834rk423 231413434 3xfe-9921883-z9f\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via 192.0.2.1:5060 branch=z9hG4bKkdjuw2395\n"
	 "counts vias=1 contacts=1\n"
	 "length 159\n"
	 "body v=0\n"
	 "@via[0] 192.0.2.1:5060\n"
	 "@sdp-origin[0] 192.0.2.1\n"
	 "@sdp-connection[0] 192.0.2.1\n"
	 "+sdp o=1 c=2 streams=2\n"
	 "=audio udp rtp 49217 c=2\n"
	 "=video udp rtp 3227 c=2\n"},
	{"rfc4475-lwsstart", "3.1.2.9: two blanks in the request line", rfc4475_lwsstart,
	 "INVITE sip:user@example.com cseq 1893884\n"
	 "ids lwsstart.dfknq234oi243099adsdfnawe3@example.com 8814 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via host1.example.com branch=z9hG4bKkdjuw3923\n"
	 "counts vias=1 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@sdp-origin[0] 192.0.2.1\n"
	 "@sdp-connection[0] 192.0.2.1\n"
	 "+sdp o=0 c=1 streams=2\n"
	 "=audio udp rtp 49217 c=1\n"
	 "=video udp rtp 3227 c=1\n"},
	{"rfc4475-mcl01", "3.3.9: two Content-Lengths that differ", rfc4475_mcl01,
	 "error length\n"},
	{"rfc4475-mismatch01", "3.1.2.17: methods differ", rfc4475_mismatch01,
	 "OPTIONS sip:user@example.com cseq 8\n"
	 "cseq-method INVITE\n"
	 "ids mismatch01.dj0234sxdfl3 34525 -\n"
	 "parties sip:caller@example.net sip:j.user@example.com\n"
	 "via host.example.com branch=z9hG4bKkdjuw\n"
	 "length 0\n"},
	{"rfc4475-mismatch02", "3.1.2.18: methods differ, one unknown", rfc4475_mismatch02,
	 "\?NEWMETHOD sip:user@example.com cseq 8\n"
	 "cseq-method INVITE\n"
	 "ids mismatch02.dj0234sxdfl3 34525 -\n"
	 "parties sip:caller@example.net sip:j.user@example.com\n"
	 "via host.example.net branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 138\n"
	 "body v=0\n"
	 "@sdp-origin[0] 192.0.2.1\n"
	 "@sdp-connection[0] 192.0.2.1\n"
	 "+sdp o=0 c=1 streams=2\n"
	 "=audio udp rtp 49217 c=1\n"
	 "=video udp rtp 3227 c=1\n"},
	{"rfc4475-mpart01", "3.1.1.11: a multipart body with NULs", rfc4475_mpart01,
	 "MESSAGE sip:kumiko@example.org cseq 1\n"
	 "ids 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA.. 2fb0dcc9 -\n"
	 "parties sip:fluffy@example.com sip:kumiko@example.org\n"
	 "via 127.0.0.1:5070 branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543- rport\n"
	 "counts vias=1 contacts=1\n"
	 "length 553\n"
	 "body --7a9cbec02c\n"
	 "@via[0] 127.0.0.1:5070\n"
	 "@route 127.0.0.1:5080\n"
	 "@contact 127.0.0.1:5070 user\n"},
	{"rfc4475-multi01", "3.3.8: fields that may stand once only", rfc4475_multi01,
	 "error header\n"},
	{"rfc4475-ncl", "3.1.2.3: a negative Content-Length", rfc4475_ncl,
	 "error number\n"},
	{"rfc4475-noreason", "3.1.1.13: an empty reason phrase", rfc4475_noreason,
	 "100 INVITE cseq 35\n"
	 "ids noreason.asndj203insdf99223ndf 39ansfi3 902jndnke3\n"
	 "parties sip:user@example.com sip:user@example.edu\n"
	 "via 192.0.2.105 branch=z9hG4bK2398ndaoe\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@via[0] 192.0.2.105\n"},
	{"rfc4475-novelsc", "3.3.3: an unknown scheme with slashes", rfc4475_novelsc,
	 "OPTIONS soap.beep://192.0.2.103:3002 cseq 3923423\n"
	 "ids novelsc.asdfasser0q239nwsdfasdkl34 384 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via host9.example.com branch=z9hG4bKkdjuw39234\n"
	 "length 0\n"},
	{"rfc4475-quotbal", "3.1.2.6: an open quote", rfc4475_quotbal,
	 "error header\n"},
	{"rfc4475-regaut01", "3.3.7: an unknown authorization scheme", rfc4475_regaut01,
	 "REGISTER sip:example.com cseq 9338\n"
	 "ids regaut01.0ha0isndaksdj 87321hj23128 -\n"
	 "parties sip:j.user@example.com sip:j.user@example.com\n"
	 "via 192.0.2.253 branch=z9hG4bKkdjuw\n"
	 "length 0\n"
	 "@via[0] 192.0.2.253\n"},
	{"rfc4475-regbadct", "3.1.2.13: a Contact with ? outside of angle brackets", rfc4475_regbadct,
	 "REGISTER sip:example.com cseq 1\n"
	 "ids regbadct.k345asrl3fdbv@10.0.0.1 998332 -\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via 135.180.130.133:5060 branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@via[0] 135.180.130.133:5060\n"},
	{"rfc4475-regescrt", "3.3.14: escaped headers in a Contact", rfc4475_regescrt,
	 "REGISTER sip:example.com cseq 14398234\n"
	 "ids regescrt.k345asrl3fdbv@192.0.2.1 8 -\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via host5.example.com branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"},
	{"rfc4475-scalar02", "3.1.2.4: numbers too large in a request", rfc4475_scalar02,
	 "error number\n"},
	{"rfc4475-scalarlg", "3.1.2.5: numbers too large in a response", rfc4475_scalarlg,
	 "error number\n"},
	{"rfc4475-sdp01", "3.3.15: an Accept that does not hold SDP", rfc4475_sdp01,
	 "INVITE sip:user@example.com cseq 8\n"
	 "ids sdp01.ndaksdj9342dasdd 234 -\n"
	 "parties sip:caller@example.net sip:j_user@example.com\n"
	 "via 192.0.2.15 branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@via[0] 192.0.2.15\n"
	 "@sdp-origin[0] 192.0.2.5\n"
	 "@sdp-connection[0] 192.0.2.5\n"
	 "+sdp o=1 c=2 streams=2\n"
	 "=audio udp rtp 49217 c=2\n"
	 "=video udp rtp 3227 c=2\n"},
	{"rfc4475-semiuri", "3.1.1.9: a semicolon in the user part", rfc4475_semiuri,
	 "OPTIONS sip:user;par=u%40example.net@example.com cseq 8\n"
	 "ids semiuri.0ha0isndaksdj 33242 -\n"
	 "parties sip:caller@example.org sip:j_user@example.com\n"
	 "via 192.0.2.1 branch=z9hG4bKkdjuw\n"
	 "length 0\n"
	 "@via[0] 192.0.2.1\n"},
	{"rfc4475-transports", "3.1.1.10: many transports", rfc4475_transports,
	 "OPTIONS sip:user@example.com cseq 60\n"
	 "ids transports.kijh4akdnaqjkwendsasfdj 323 -\n"
	 "parties sip:caller@example.com sip:user@example.com\n"
	 "via t1.example.com branch=z9hG4bKkdjuw\n"
	 "counts vias=5 contacts=0\n"
	 "length 0\n"},
	{"rfc4475-trws", "3.1.2.10: blanks at the end of the request line", rfc4475_trws,
	 "OPTIONS sip:remote-target@example.com cseq 238923\n"
	 "ids trws.oicu34958239neffasdhr2345r 329429089 -\n"
	 "parties sip:local-resource@example.com sip:remote-target@example.com\n"
	 "via host1.examle.com branch=z9hG4bK299342093\n"
	 "length 0\n"},
	{"rfc4475-unkscm", "3.3.2: an unknown scheme in the Request-URI", rfc4475_unkscm,
	 "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent cseq 3923423\n"
	 "ids unkscm.nasdfasser0q239nwsdfasdkl34 384 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via host9.example.com branch=z9hG4bKkdjuw39234\n"
	 "length 0\n"},
	{"rfc4475-unksm2", "3.3.4: unknown schemes in fields", rfc4475_unksm2,
	 "REGISTER sip:example.com cseq 234902\n"
	 "ids unksm2.daksdj@hyphenated-host.example.com 3234233 -\n"
	 "parties http://www.example.com isbn:2983792873\n"
	 "via 192.0.2.21:5060 branch=z9hG4bKkdjuw\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@via[0] 192.0.2.21:5060\n"},
	{"rfc4475-unreason", "3.1.1.12: a reason phrase in UTF-8", rfc4475_unreason,
	 "200 INVITE cseq 35\n"
	 "ids unreason.1234ksdfak3j2erwedfsASdf 11141343 2229\n"
	 "parties sip:user@example.com sip:user@example.edu\n"
	 "via 192.0.2.198 branch=z9hG4bK1324923\n"
	 "counts vias=1 contacts=1\n"
	 "length 154\n"
	 "body v=0\n"
	 "@via[0] 192.0.2.198\n"
	 "@sdp-origin[0] 192.0.2.198\n"
	 "@sdp-connection[0] 192.0.2.198\n"
	 "+sdp o=1 c=2 streams=2\n"
	 "=audio udp rtp 49217 c=2\n"
	 "=video udp rtp 3227 c=2\n"},
	{"rfc4475-wsinv", "3.1.1.1: a short tortuous INVITE", rfc4475_wsinv,
	 "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam cseq 9\n"
	 "ids wsinv.ndaksdj@192.0.2.1 98asjd8 1918181833n\n"
	 "parties sip:jdrosen@example.com sip:vivekg@chair-dnrc.example.com\n"
	 "via 192.0.2.2 branch=390skdjuw\n"
	 "counts vias=3 contacts=1\n"
	 "length 150\n"
	 "body v=0\n"
	 "@via[0] 192.0.2.2\n"
	 "@via[2] 192.168.255.111\n"
	 "@sdp-origin[0] 192.0.2.3\n"
	 "@sdp-connection[0] 192.0.2.4\n"
	 "+sdp o=2 c=3 streams=2\n"
	 "=audio udp rtp 49217 c=3\n"
	 "=video udp rtp 3227 c=3\n"},
	{"rfc4475-zeromf", "3.3.11: Max-Forwards zero", rfc4475_zeromf,
	 "OPTIONS sip:user@example.com cseq 39234321\n"
	 "ids zeromf.jfasdlfnm2o2l43r5u0asdfas 3ghsd41 -\n"
	 "parties sip:caller@example.net sip:user@example.com\n"
	 "via host1.example.com branch=z9hG4bKkdjuw2349i\n"
	 "length 0\n"},
};

} // namespace sip_cases

#endif
