#include "client/local_trainer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "client/local_state.h"

namespace atl::client {
namespace {

bool has(const std::vector<Role>& roles, Role role) {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

// What a statistic is before any data: models/state.h fills it alike.
Bytes beginning_of(const TensorSpec& tensor) {
  Bytes bytes(tensor.bytes());
  if (tensor.role != Role::kNormVar) return bytes;
  auto fill = [&bytes]<typename T>(T one) {
    for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T))
      std::memcpy(bytes.data() + at, &one, sizeof(T));
  };
  switch (tensor.dtype) {
    case DType::kF32:
      fill(1.0f);
      break;
    case DType::kF64:
      fill(1.0);
      break;
    case DType::kF16:
      fill(uint16_t{0x3c00});
      break;
    case DType::kBF16:
      fill(uint16_t{0x3f80});
      break;
    default:
      break;
  }
  return bytes;
}

class LocalTrainer : public Trainer {
 public:
  LocalTrainer(std::unique_ptr<Trainer> trainer, std::string folder, std::string run,
               std::string client)
      : trainer_(std::move(trainer)),
        state_(std::move(folder)),
        run_(std::move(run)),
        client_(std::move(client)) {}

  const Manifest& manifest() const override { return trainer_->manifest(); }
  uint64_t train_examples() const override { return trainer_->train_examples(); }
  uint64_t test_examples() const override { return trainer_->test_examples(); }
  Status initialize(uint64_t seed) override {
    received_.clear();
    return trainer_->initialize(seed);
  }
  Status receive(uint64_t offset, ByteView bytes) override {
    received_.clear();
    return trainer_->receive(offset, bytes);
  }

  Result<TrainReport> run(const Task& task, Progress& progress) override {
    const auto& roles = task.settings.roles;
    if (roles.empty()) return trainer_->run(task, progress);
    ATOLL_TRY(remember_received(roles));
    const auto owner = run_ + " " + client_ + " " + std::to_string(task.seed) + " " +
                       std::to_string(task.total_rounds);
    ATOLL_ASSIGN(const auto local, of_roles(roles.local));
    ATOLL_TRY(put_in(task.round, owner, local, roles));
    ATOLL_ASSIGN(auto report, trainer_->run(task, progress));
    if (task.train && !local.tensors().empty()) {
      ATOLL_ASSIGN(const auto flat, gathered(local));
      auto saved = state_.save(task.round, owner, local, flat);
      if (!saved) return std::move(saved).error().wrap("cannot keep the client's own tensors");
    }
    return report;
  }

  Status read(uint64_t offset, MutableByteView out) const override {
    ATOLL_TRY(trainer_->read(offset, out));
    const uint64_t end = offset + out.size();
    for (const auto& [at, bytes] : received_) {
      const uint64_t from = std::max(offset, at), to = std::min(end, at + bytes.size());
      if (from < to)
        std::memcpy(out.data() + (from - offset), bytes.data() + (from - at), to - from);
    }
    return {};
  }

  void release() override {
    received_.clear();
    trainer_->release();
  }

 private:
  struct Piece {
    uint64_t offset;
    Bytes bytes;
  };

  Status remember_received(const wire::RoleRules& roles) {
    received_.clear();
    for (const auto& tensor : manifest().tensors()) {
      if (!has(roles.local, tensor.role) && !has(roles.reset, tensor.role) &&
          !has(roles.fixed, tensor.role))
        continue;
      Piece piece{tensor.offset, Bytes(tensor.bytes())};
      ATOLL_TRY(trainer_->read(tensor.offset, piece.bytes));
      received_.push_back(std::move(piece));
    }
    return {};
  }

  // The model's tensors of these roles alone, laid end to end.
  Result<Manifest> of_roles(const std::vector<Role>& roles) const {
    std::vector<TensorSpec> tensors;
    for (const auto& tensor : manifest().tensors())
      if (has(roles, tensor.role)) tensors.push_back(tensor);
    return Manifest::make(std::move(tensors));
  }

  Status put_in(uint32_t round, const std::string& owner, const Manifest& local,
                const wire::RoleRules& roles) {
    for (const auto& tensor : manifest().tensors()) {
      if (has(roles.reset, tensor.role))
        ATOLL_TRY(trainer_->receive(tensor.offset, beginning_of(tensor)));
    }
    if (local.tensors().empty()) return {};
    const auto flat = state_.before(round, owner, local);
    if (!flat) return {};
    for (const auto& tensor : local.tensors()) {
      const auto piece = ByteView(*flat).subspan(tensor.offset, tensor.bytes());
      ATOLL_TRY(trainer_->receive(manifest().find(tensor.name)->offset, piece));
    }
    return {};
  }

  Result<Bytes> gathered(const Manifest& local) const {
    Bytes flat(local.total_bytes());
    for (const auto& tensor : local.tensors()) {
      const auto place = MutableByteView(flat).subspan(tensor.offset, tensor.bytes());
      ATOLL_TRY(trainer_->read(manifest().find(tensor.name)->offset, place));
    }
    return flat;
  }

  std::unique_ptr<Trainer> trainer_;
  LocalState state_;
  std::string run_, client_;
  std::vector<Piece> received_;  // of the tensors apart, since run()
};

}  // namespace

std::unique_ptr<Trainer> keep_local(std::unique_ptr<Trainer> trainer, std::string folder,
                                    std::string run, std::string client) {
  return std::make_unique<LocalTrainer>(std::move(trainer), std::move(folder), std::move(run),
                                        std::move(client));
}

}  // namespace atl::client
