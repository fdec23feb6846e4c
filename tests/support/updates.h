// Models and clients' updates as the reducer meets them: real files in a temporary folder.
#pragma once

#include <memory>
#include <vector>

#include "server/aggregation/reducer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl::testing {

class Updates {
 public:
  explicit Updates(Manifest manifest)
      : manifest_(std::make_shared<const Manifest>(std::move(manifest))) {}

  const Manifest& manifest() const { return *manifest_; }

  // The model that the round started from.
  void set_current(const Bytes& flat) {
    ATOLL_CHECK(write_safetensors(model_path(), *manifest_, {}, flat).ok(), "a temporary file");
  }
  void add(uint64_t weight, const Bytes& flat) {
    auto upload = server::Upload::create(spool_, manifest_, transfer_digest(flat)).value();
    for (size_t offset = 0; offset < flat.size();) {
      const size_t size = std::min<size_t>(1 << 20, flat.size() - offset);
      auto refusal = upload->append(offset, ByteView(flat).subspan(offset, size)).value();
      ATOLL_CHECK(!refusal, refusal ? refusal->text : "");
      offset += size;
    }
    ATOLL_CHECK(!upload->finish(), "the hash fits");
    weights_.push_back(weight);
    uploads_.push_back(std::move(upload));
  }
  void clear() {
    weights_.clear();
    uploads_.clear();
  }

  // The next model, asked for in pieces of `piece` bytes; the clients in the order given (all, in
  // the order in which they were added, when it is empty).
  Result<Bytes> reduce(const std::string& policy_name, std::vector<size_t> order = {},
                       size_t piece = 1 << 20) {
    ATOLL_ASSIGN(auto rule, server::make_rule("fedavg"));
    return reduce(policy_name, std::move(rule), std::move(order), piece);
  }
  // These updates, each of weight 1, by a rule of the test's own.
  Result<Bytes> reduce_with(std::unique_ptr<server::AggregationRule> rule,
                            const std::vector<Bytes>& flats) {
    clear();
    for (const auto& flat : flats) add(1, flat);
    return reduce("all", std::move(rule), {}, 1 << 20);
  }

 private:
  Result<Bytes> reduce(const std::string& policy_name,
                       std::unique_ptr<server::AggregationRule> rule, std::vector<size_t> order,
                       size_t piece) {
    if (!exists(model_path())) set_current(Bytes(manifest_->total_bytes()));
    ATOLL_ASSIGN(auto current, SafetensorsFile::open(model_path()));
    ATOLL_ASSIGN(auto policy, server::Policy::make(policy_name, *manifest_));
    if (order.empty()) {
      for (size_t k = 0; k < uploads_.size(); ++k) order.push_back(k);
    }
    std::vector<server::Contribution> contributions;
    for (size_t k : order)
      contributions.push_back({"c" + std::to_string(k), weights_[k], uploads_[k].get()});
    auto reducer = server::Reducer::make(current, policy, std::move(rule), contributions);
    Bytes out(manifest_->total_bytes());
    for (size_t offset = 0; offset < out.size(); offset += piece) {
      const size_t size = std::min(piece, out.size() - offset);
      ATOLL_TRY(reducer.fill(offset, MutableByteView(out).subspan(offset, size)));
    }
    ATOLL_TRY(reducer.check_norms());
    return out;
  }

  std::string model_path() const { return folder_.path() + "/current.safetensors"; }
  TemporaryFolder folder_;
  std::shared_ptr<server::Spool> spool_ = std::make_shared<server::Spool>(folder_.path());
  std::shared_ptr<const Manifest> manifest_;
  std::vector<uint64_t> weights_;
  std::vector<std::unique_ptr<server::Upload>> uploads_;
};

}  // namespace atl::testing
