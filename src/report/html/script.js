"use strict";
(function () {
  var form = document.querySelector("form.filter");
  var findings = Array.from(document.querySelectorAll("article.finding"));

  function ticked(name) {
    return Array.from(form.querySelectorAll("input[name=" + name + "]:checked")).map(function (box) {
      return box.value;
    });
  }

  function apply() {
    var impacts = ticked("impact");
    var severities = ticked("severity");
    var shown = 0;
    findings.forEach(function (finding) {
      var fits = impacts.includes(finding.dataset.impact) ? severities.includes(finding.dataset.severity) : false;
      finding.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    document.querySelectorAll("details.remarks").forEach(function (remarks) {
      remarks.hidden = !remarks.querySelector("article.finding:not([hidden])");
    });
    form.querySelector(".shown").textContent =
      shown === findings.length ? "" : "showing " + shown + " of " + findings.length + " findings";
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("change", apply);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
    });
    apply();
  }

  // A link to a finding that is folded or filtered away shows it.
  function reveal() {
    var target = document.getElementById(location.hash.slice(1));
    if (!target) {
      return;
    }
    target.hidden = false;
    for (var above = target.parentElement; above; above = above.parentElement) {
      if (above.tagName.toLowerCase() === "details") {
        above.hidden = false;
        above.open = true;
      }
    }
    target.scrollIntoView();
  }

  addEventListener("hashchange", reveal);
  if (location.hash) {
    reveal();
  }

  // Nothing stays folded on paper.
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (fold) {
      fold.open = true;
    });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (fold) {
      fold.open = false;
    });
  });
})();
