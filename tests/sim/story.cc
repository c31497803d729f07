#include "story.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "env/testing/seeded.h"

namespace sealtrail::sim {
namespace {

using Kind = Step::Kind;

constexpr int64_t kHour = 3600 * kNanosPerSecond;

std::string NameOf(Kind kind) {
  switch (kind) {
    case Kind::kSubmit:
      return "submit";
    case Kind::kBeside:
      return "submit-beside";
    case Kind::kRun:
      return "run";
    case Kind::kWait:
      return "wait";
    case Kind::kRotate:
      return "rotate";
    case Kind::kCheckpoint:
      return "checkpoint";
    case Kind::kStepClock:
      return "step-clock";
    case Kind::kFillDisk:
      return "fill-disk";
    case Kind::kEmptyDisk:
      return "empty-disk";
    case Kind::kKill:
      return "kill";
    case Kind::kCutPower:
      return "cut-power";
    case Kind::kStop:
      return "stop";
  }
  return "?";
}

Step DrawStep(env::testing::Seeded& choices) {
  const auto below = [&](uint64_t bound) { return static_cast<int64_t>(choices.Below(bound)); };
  switch (choices.Below(20)) {
    case 0:
      return {Kind::kSubmit, 200 + below(120)};
    case 1:
      return {choices.Chance(1, 4) ? Kind::kBeside : Kind::kSubmit, 2 + below(6)};
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return {Kind::kSubmit, 1 + below(40)};
    case 7:
    case 8:
    case 9:
      return {Kind::kRun, 1 + below(12)};
    case 10:
    case 11:
    case 12:
      return {Kind::kWait, kNanosPerSecond * (1 + below(2))};
    case 13:
      return {Kind::kWait, kNanosPerSecond * 40};
    case 14:
      return {choices.Chance(1, 2) ? Kind::kRotate : Kind::kCheckpoint};
    case 15:
      return {Kind::kStepClock, (below(5) - 2) * kHour};
    case 16:
      return choices.Chance(1, 3) ? Step{Kind::kFillDisk, below(20'000)} : Step{Kind::kEmptyDisk};
    case 17:
      return {Kind::kKill};
    case 18:
      return {Kind::kCutPower};
    default:
      return {Kind::kStop};
  }
}

}  // namespace

// A leaf is of some 330 bytes, a segment of 24,000.
Script OrdinaryScript() {
  return {
      {Kind::kSubmit, 250},  // the first one passes a multiple of 256
      {Kind::kRun, 3},
      {Kind::kBeside, 3},
      {Kind::kWait, kNanosPerSecond},
      {Kind::kSubmit, 10},
      {Kind::kRotate},
      {Kind::kSubmit, 2},
      {Kind::kWait, kNanosPerSecond},
      {Kind::kSubmit, 70},
      {Kind::kRun, 5},
      {Kind::kKill},

      {Kind::kSubmit, 20},
      {Kind::kStepClock, -2 * kHour},
      {Kind::kWait, 40 * kNanosPerSecond},  // by age
      {Kind::kSubmit, 5},
      {Kind::kCheckpoint},
      {Kind::kStop},

      {Kind::kSubmit, 60},
      {Kind::kRotate},
      {Kind::kWait, kNanosPerSecond},
      {Kind::kSubmit, 15},
      {Kind::kStepClock, kHour},
      {Kind::kSubmit, 1},
      {Kind::kRun, 4},
      {Kind::kCutPower},

      {Kind::kSubmit, 30},
      {Kind::kWait, kNanosPerSecond},
      {Kind::kSubmit, 4},
      {Kind::kRun, 3},
  };
}

Script RandomScript(uint64_t seed) {
  env::testing::Seeded choices(seed, 20);
  Script script;
  const uint64_t steps = 8 + choices.Below(25);
  for (uint64_t i = 0; i < steps; ++i) script.push_back(DrawStep(choices));
  return script;
}

std::string Describe(const Story& story) {
  std::string text = fmt::format("seed {}", story.seed);
  for (const Fault& fault : story.faults) {
    switch (fault.kind) {
      case Fault::Kind::kCutPower:
        text += fmt::format(", power cut at operation {}", fault.at);
        break;
      case Fault::Kind::kFail:
        text += fmt::format(", operation {} fails with errno {}", fault.at, fault.error);
        break;
      case Fault::Kind::kSpoilWrite:
        text += fmt::format(", write {} is spoiled", fault.at);
        break;
      case Fault::Kind::kLoseSync:
        text += fmt::format(", sync {} is lost", fault.at);
        break;
      case Fault::Kind::kFailRead:
        text += fmt::format(", read {} fails", fault.at);
        break;
    }
  }
  text += "\nscript:";
  for (const Step& step : story.script)
    text += fmt::format(" {}{}", NameOf(step.kind),
                        step.amount == 0 ? "" : fmt::format("({})", step.amount));
  return text;
}

}  // namespace sealtrail::sim
