#include "common/wire/convert.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace atl::wire {
namespace {

constexpr uint64_t kMaxExamples = 1ull << 40;

Error bad(const std::string& field, const std::string& why) {
  return Error(ErrorCode::kProtocol, "malformed control message: " + field + " " + why);
}

// A loss that is not a number comes from a model that diverged; on the wire that is an infinite
// one.
double diverged(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
}

Status number(double value, const char* field) {
  if (std::isnan(value)) return bad(field, "is not a number");
  return {};
}

Status finite(double value, const char* field) {
  if (!std::isfinite(value)) return bad(field, "is not finite");
  return {};
}

void to_pb(const Evaluation& in, pb::Evaluation& out) {
  out.set_examples(in.examples);
  out.set_correct(in.correct);
  out.set_loss_sum(diverged(in.loss_sum));
}

Status from_pb(const pb::Evaluation& in, Evaluation& out, const char* field) {
  if (in.examples() > kMaxExamples || in.correct() > in.examples())
    return bad(field, "has impossible counts");
  if (std::isnan(in.loss_sum())) return bad(field, "has a loss that is not a number");
  out = {in.examples(), in.correct(), in.loss_sum()};
  return {};
}

template <typename Numbers>
void to_pb(const std::vector<Role>& in, Numbers& out) {
  for (const Role role : in) out.Add(static_cast<uint32_t>(role));
}

// `seen`: the roles of the lists before.
template <typename Numbers>
Status from_pb(const Numbers& in, std::vector<Role>& out, std::vector<Role>& seen,
               const char* field) {
  out.clear();
  for (const uint32_t number : in) {
    const auto role = role_from_wire(number);
    if (!role) return bad(field, "has an unknown role: " + std::to_string(number));
    if (std::find(seen.begin(), seen.end(), *role) != seen.end())
      return bad(field, "has a role that was listed before: " + std::string(to_string(*role)));
    out.push_back(*role);
    seen.push_back(*role);
  }
  return {};
}

// Lists of known roles, none twice; only statistics are ever reset or fixed.
Status from_pb(const pb::TrainSettings& in, RoleRules& out) {
  std::vector<Role> seen;
  ATOLL_TRY(from_pb(in.local_roles(), out.local, seen, "settings.local_roles"));
  ATOLL_TRY(from_pb(in.reset_roles(), out.reset, seen, "settings.reset_roles"));
  ATOLL_TRY(from_pb(in.fixed_roles(), out.fixed, seen, "settings.fixed_roles"));
  for (const auto* list : {&out.reset, &out.fixed}) {
    for (const Role role : *list)
      if (is_trainable(role))
        return bad("settings", "resets or fixes a trained role: " + std::string(to_string(role)));
  }
  return {};
}

}  // namespace

void to_pb(const ModelSpec& in, pb::ModelSpec& out) {
  out.set_name(in.name);
  out.set_norm(in.norm);
  for (int64_t extent : in.input) out.add_input(extent);
  out.set_classes(in.classes);
}

Status from_pb(const pb::ModelSpec& in, ModelSpec& out) {
  if (in.name().size() > 64 || in.norm().size() > 128)
    return bad("model", "has a name that is too long");
  if (in.input_size() > 8) return bad("model.input", "has more than 8 dimensions");
  out.name = in.name();
  out.norm = in.norm();
  out.input.clear();
  for (int64_t extent : in.input()) {
    if (extent < 1 || extent > (1 << 24)) return bad("model.input", "is out of range");
    out.input.push_back(extent);
  }
  if (in.classes() > (1u << 24)) return bad("model.classes", "is out of range");
  out.classes = in.classes();
  return {};
}

void to_pb(const TrainSettings& in, pb::TrainSettings& out) {
  out.set_optimizer(in.optimizer);
  out.set_learning_rate(in.learning_rate);
  out.set_momentum(in.momentum);
  out.set_nesterov(in.nesterov);
  out.set_weight_decay(in.weight_decay);
  out.set_beta1(in.beta1);
  out.set_beta2(in.beta2);
  out.set_epsilon(in.epsilon);
  out.set_epochs(in.epochs);
  out.set_steps(in.steps);
  out.set_batch_size(in.batch_size);
  out.set_clip_norm(in.clip_norm);
  out.set_schedule(in.schedule);
  out.set_schedule_factor(in.schedule_factor);
  out.set_schedule_every(in.schedule_every);
  out.set_warmup_rounds(in.warmup_rounds);
  out.set_bf16(in.bf16);
  out.set_adaptive_clip(in.adaptive_clip);
  to_pb(in.roles.local, *out.mutable_local_roles());
  to_pb(in.roles.reset, *out.mutable_reset_roles());
  to_pb(in.roles.fixed, *out.mutable_fixed_roles());
}

Status from_pb(const pb::TrainSettings& in, TrainSettings& out) {
  if (in.optimizer().size() > 64 || in.schedule().size() > 64)
    return bad("settings", "has a name that is too long");
  for (double value : {in.learning_rate(), in.momentum(), in.weight_decay(), in.beta1(), in.beta2(),
                       in.epsilon(), in.clip_norm(), in.schedule_factor(), in.adaptive_clip()}) {
    ATOLL_TRY(finite(value, "settings"));
  }
  out.optimizer = in.optimizer();
  out.learning_rate = in.learning_rate();
  out.momentum = in.momentum();
  out.nesterov = in.nesterov();
  out.weight_decay = in.weight_decay();
  out.beta1 = in.beta1();
  out.beta2 = in.beta2();
  out.epsilon = in.epsilon();
  out.epochs = in.epochs();
  out.steps = in.steps();
  out.batch_size = in.batch_size();
  out.clip_norm = in.clip_norm();
  out.schedule = in.schedule();
  out.schedule_factor = in.schedule_factor();
  out.schedule_every = in.schedule_every();
  out.warmup_rounds = in.warmup_rounds();
  out.bf16 = in.bf16();
  out.adaptive_clip = in.adaptive_clip();
  return from_pb(in, out.roles);
}

void to_pb(const TrainReport& in, pb::Report& out) {
  out.set_examples(in.examples);
  out.set_steps(in.steps);
  out.set_train_loss(diverged(in.train_loss));
  out.set_update_norm(diverged(in.update_norm));
  out.set_seconds(in.seconds);
  to_pb(in.before, *out.mutable_before());
  to_pb(in.after, *out.mutable_after());
}

Status from_pb(const pb::Report& in, TrainReport& out) {
  if (in.examples() > kMaxExamples) return bad("report.examples", "is out of range");
  ATOLL_TRY(number(in.train_loss(), "report.train_loss"));
  ATOLL_TRY(number(in.update_norm(), "report.update_norm"));
  ATOLL_TRY(finite(in.seconds(), "report.seconds"));
  out.examples = in.examples();
  out.steps = in.steps();
  out.train_loss = in.train_loss();
  out.update_norm = in.update_norm();
  out.seconds = in.seconds();
  ATOLL_TRY(from_pb(in.before(), out.before, "report.before"));
  return from_pb(in.after(), out.after, "report.after");
}

void to_pb(const Manifest& in, pb::Join& out) {
  for (const auto& tensor : in.tensors()) {
    auto* p = out.add_tensors();
    p->set_name(tensor.name);
    p->set_dtype(static_cast<uint32_t>(tensor.dtype));
    for (int64_t extent : tensor.shape) p->add_shape(extent);
    p->set_role(static_cast<uint32_t>(tensor.role));
  }
}

Result<Manifest> from_pb(const pb::Join& in) {
  if (static_cast<size_t>(in.tensors_size()) > Manifest::kMaxTensors)
    return bad("join", "has too many tensors");
  std::vector<TensorSpec> tensors;
  tensors.reserve(static_cast<size_t>(in.tensors_size()));
  for (const auto& p : in.tensors()) {
    auto dtype = dtype_from_wire(p.dtype());
    auto role = role_from_wire(p.role());
    if (!dtype) return bad("join.dtype", "is unknown: " + std::to_string(p.dtype()));
    if (!role) return bad("join.role", "is unknown: " + std::to_string(p.role()));
    TensorSpec tensor;
    tensor.name = p.name();
    tensor.dtype = *dtype;
    tensor.role = *role;
    tensor.shape.assign(p.shape().begin(), p.shape().end());
    tensors.push_back(std::move(tensor));
  }
  return Manifest::make(std::move(tensors));
}

}  // namespace atl::wire
