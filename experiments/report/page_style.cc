#include "experiments/report/page_style.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

constexpr std::string_view kGenerator = "<meta name=\"generator\" content=\"Atoll\">";
// Of pages that do not say it there yet.
constexpr std::string_view kTitleEnd = "Atoll run report</title>";

}  // namespace

std::string_view page_style() {
  return R"css(
:root{color-scheme:light dark;--paper:#fff;--ink:#1a2027;--soft:#5b6672;--rule:#e3e7eb;
--panel:#f6f8f9;--warn:#8a4b08;--warn-panel:#fdf6ec;--c0:#0b7285;--c1:#c4551b;--c2:#6a57c9;
--c3:#4c7a10;--c4:#b02a5b;--c5:#1f5fae;--c6:#8a6d00;--c7:#4a5560;--heat:11,114,133;--cold:178,74,20}
@media(prefers-color-scheme:dark){:root{--paper:#10151a;--ink:#e4e8ec;--soft:#98a4b0;--rule:#28313a;
--panel:#171d24;--warn:#f0b45f;--warn-panel:#231c12;--c0:#4cc3d9;--c1:#ff9c6b;--c2:#b3a5ff;
--c3:#a3cf62;--c4:#ff8fb8;--c5:#8ab8ff;--c6:#e6c34d;--c7:#b6c0ca;--heat:76,195,217;--cold:255,156,107}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:64rem;margin:0 auto;padding:2.75rem 1.5rem 3rem}
h1{font-size:2rem;line-height:1.2;font-weight:650;letter-spacing:-.015em;margin:.15rem 0 .35rem;
overflow-wrap:anywhere}
h2{font-size:1.05rem;font-weight:650;margin:2.75rem 0 .9rem;padding-bottom:.4rem;
border-bottom:1px solid var(--rule)}
p{margin:.4rem 0}
.eyebrow{color:var(--c0);font-size:.8rem;font-weight:600;letter-spacing:.06em;
text-transform:uppercase}
.soft,.sub,figcaption span,.tile small,footer{color:var(--soft)}
.sub{font-size:.95rem}
.soft{font-size:.875rem}
.none{color:var(--soft);font-size:.9rem;padding:3.5rem 0;text-align:center}
.mono,code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.mono{font-size:.8125rem;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1px;
margin:1.6rem 0 1rem;background:var(--rule);border:1px solid var(--rule);border-radius:8px;
overflow:hidden}
.tile{background:var(--paper);padding:.85rem 1rem .8rem}
.tile span{display:block;color:var(--soft);font-size:.8125rem}
.tile b{display:block;font-size:1.5rem;line-height:1.3;font-weight:600;letter-spacing:-.01em;
font-variant-numeric:tabular-nums;white-space:nowrap}
.tile small{display:block;font-size:.8125rem}
.tile.lead b{color:var(--c0)}
.notes{background:var(--warn-panel);color:var(--warn);border-radius:8px;padding:.65rem 1rem;
margin:1rem 0;font-size:.9rem}
.notes ul{margin:0;padding-left:1.1rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));
gap:1.9rem 2.2rem}
figure{margin:0;min-width:0;break-inside:avoid}
figcaption{display:flex;justify-content:space-between;gap:1rem;align-items:baseline;
margin-bottom:.3rem;font-size:.9rem}
figcaption b{font-weight:600}
figcaption span{font-variant-numeric:tabular-nums;text-align:right;font-size:.8125rem}
svg.chart{display:block;width:100%;height:auto;overflow:visible}
svg text{font-size:11.5px;fill:var(--soft);font-variant-numeric:tabular-nums}
svg .end{text-anchor:end}
svg .mid{text-anchor:middle}
svg .rule{stroke:var(--rule);fill:none}
svg .base{stroke:var(--soft);stroke-opacity:.55;fill:none}
svg .line{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
svg .c0{stroke:var(--c0)}svg .c1{stroke:var(--c1)}svg .c2{stroke:var(--c2)}svg .c3{stroke:var(--c3)}
svg .c4{stroke:var(--c4)}svg .c5{stroke:var(--c5)}svg .c6{stroke:var(--c6)}svg .c7{stroke:var(--c7)}
svg .d1{stroke-dasharray:6 3}svg .d2{stroke-dasharray:2 3}svg .d3{stroke-dasharray:8 3 2 3}
svg circle,svg .band{stroke-width:0!important;stroke:none}
svg .band{fill-opacity:.2}
svg circle.c0,svg .band.c0{fill:var(--c0)}svg circle.c1,svg .band.c1{fill:var(--c1)}
svg circle.c2,svg .band.c2{fill:var(--c2)}svg circle.c3,svg .band.c3{fill:var(--c3)}
svg circle.c4,svg .band.c4{fill:var(--c4)}svg circle.c5,svg .band.c5{fill:var(--c5)}
svg circle.c6,svg .band.c6{fill:var(--c6)}svg circle.c7,svg .band.c7{fill:var(--c7)}
.stops rect{fill:transparent}
.stops path{stroke:var(--soft);stroke-opacity:.5}
.stops path,.stops circle,.stops text{opacity:0;pointer-events:none}
.stops text{fill:var(--ink)}
.stops g:hover path,.stops g:hover circle,.stops g:hover text{opacity:1}
svg.spark{display:block;width:84px;height:20px;margin-left:auto}
svg.spark .line{stroke-width:1.4}
.scroll{overflow-x:auto;margin:0 -.25rem;padding:0 .25rem}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.34rem .5rem;text-align:right;white-space:nowrap}
th{font-weight:600;color:var(--soft);font-size:.8125rem;vertical-align:bottom;
border-bottom:1px solid var(--rule)}
tbody td,tbody th{vertical-align:baseline}
tbody th{color:var(--ink);font-size:.875rem;border:0}
th:first-child,td:first-child,.left{text-align:left}
th:first-child,td:first-child{padding-left:0}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tfoot td,tfoot th{border-top:1px solid var(--soft);color:var(--soft)}
td.wrap{white-space:normal;overflow-wrap:anywhere;min-width:14rem}
.heat{width:auto;min-width:min(100%,30rem)}
.heat td{text-align:center;min-width:2.9rem;border:1px solid var(--paper)!important;padding:.3rem .35rem}
.heat td.total,.heat th.total{text-align:right;color:var(--soft);padding-left:.9rem}
.heat thead th{text-align:center}
.heat th:first-child{text-align:left;padding-right:1rem}
.heat th{border:0!important}
.heat tfoot td{background:none}
.heat.tight td{min-width:.85rem;width:.85rem;padding:0;height:1.1rem}
.heat.tight td.total{width:auto;padding-left:.9rem}
.heat .z{color:var(--soft);opacity:.55}
.h1{background:rgba(var(--heat),.08)}.h2{background:rgba(var(--heat),.16)}
.h3{background:rgba(var(--heat),.25)}.h4{background:rgba(var(--heat),.34)}
.h5{background:rgba(var(--heat),.43)}.h6{background:rgba(var(--heat),.52)}
.h7{background:rgba(var(--heat),.62);color:#fff}.h8{background:rgba(var(--heat),.74);color:#fff}
.h9{background:rgba(var(--heat),.87);color:#fff}.h10{background:rgb(var(--heat));color:#fff}
.heat i{opacity:.6}
.n1{background:rgba(var(--cold),.08)}.n2{background:rgba(var(--cold),.16)}
.n3{background:rgba(var(--cold),.25)}.n4{background:rgba(var(--cold),.34)}
.n5{background:rgba(var(--cold),.43)}.n6{background:rgba(var(--cold),.52)}
.n7{background:rgba(var(--cold),.62);color:#fff}.n8{background:rgba(var(--cold),.74);color:#fff}
.n9{background:rgba(var(--cold),.87);color:#fff}.n10{background:rgb(var(--cold));color:#fff}
@media(prefers-color-scheme:dark){.n6,.n7,.n8,.n9,.n10{color:#06141a}}
@media(prefers-color-scheme:dark){.h6,.h7,.h8,.h9,.h10{color:#06141a}}
.config{columns:17rem;column-gap:2.2rem}
.config pre{break-inside:avoid;margin:0 0 1rem;font-size:.8125rem;line-height:1.6;
white-space:pre-wrap;overflow-wrap:anywhere}
.config .k{color:var(--c0);font-weight:600}
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.3rem 1.5rem;margin:0;
font-size:.875rem}
dt{color:var(--soft)}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
details{margin-top:1.2rem}
summary{cursor:pointer;color:var(--soft);font-size:.875rem}
details .scroll{margin-top:.6rem;max-height:28rem;overflow:auto}
footer{margin-top:3rem;padding-top:.9rem;border-top:1px solid var(--rule);font-size:.8125rem}
@media(max-width:36rem){main{padding:1.6rem 1rem 2rem}h1{font-size:1.6rem}
.tiles{grid-template-columns:1fr 1fr}.tile{padding:.7rem .8rem}
.tile:last-child:nth-child(odd){grid-column:1/-1}.tile b{font-size:1.25rem}
svg.chart text{font-size:13.5px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.55rem}
.scroll th:first-child{position:sticky;left:0;background:var(--paper)}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--rule:#ccc;--panel:#fff;
--warn:#000;--warn-panel:#fff;--c0:#0b7285;--c1:#c4551b;--heat:11,114,133;--cold:178,74,20}
body{font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:none;padding:0}.charts{grid-template-columns:1fr 1fr;gap:1.2rem 1.6rem}
h2{break-after:avoid;margin-top:1.6rem}tr,.tiles,.notes{break-inside:avoid}
.scroll,details .scroll{overflow:visible;max-height:none}table{font-size:8pt}th,td{padding:.2rem .35rem}
details:not([open]){display:none}.h6,.h7,.h8,.h9,.h10{color:#fff}@page{margin:16mm}}
)css";
}

std::string drawing_style() {
  std::map<std::string, std::string> values;  // of the first :root, which is light
  const std::string style(page_style());
  const auto root = style.substr(0, style.find('}'));
  for (size_t at = root.find("--"); at != std::string::npos; at = root.find("--", at + 2)) {
    const auto colon = root.find(':', at), end = std::min(root.find(';', at), root.size());
    values[root.substr(at, colon - at)] = root.substr(colon + 1, end - colon - 1);
  }
  std::string out = "text{font-family:system-ui,\"Noto Sans\",Helvetica,Arial,sans-serif}\n";
  std::istringstream lines(style);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("svg ", 0) != 0) continue;
    for (size_t at = line.find("var("); at != std::string::npos; at = line.find("var(", at)) {
      const auto end = line.find(')', at);
      line.replace(at, end + 1 - at, values.at(line.substr(at + 4, end - at - 4)));
    }
    out += line + "\n";
  }
  return out;
}

std::string page_head(const std::string& title) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" "
         "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n" +
         std::string(kGenerator) + "\n<title>" + escape_html(title) + "</title>\n<style>" +
         std::string(page_style()) + "</style>\n</head>\n<body>\n<main>\n";
}

bool is_page(std::string_view text) {
  const auto head = text.substr(0, text.find("<style>"));
  return head.find(kGenerator) != head.npos || head.find(kTitleEnd) != head.npos;
}

}  // namespace atl::workbench
