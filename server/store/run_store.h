// RunStore: the folder of one run, as the server keeps it.
//
//   run/config.toml           the configuration with every default filled in
//   run/checkpoints/round-000012.safetensors   the global model after round 12; metadata: run,
//                             round, config hash, ...
//   run/ledger.sqlite         what was begun and what is done (ledger.h)
//   run/metrics.jsonl         one JSON object a line: rounds, evaluations, clients, refusals
//   run/status.json           what is going on, rewritten as it changes
//   run/uploads/              updates on their way in; emptied at start
//
// A round's model counts when the ledger says so, after its checkpoint is on the disk. A checkpoint
// without that is a crash between the two: its round is done again, to the same bytes.
//
// Used on the server's executor, but for write_checkpoint and the ledger, which wait for the disk
// and which one compute thread may call at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/tensor/safetensors.h"
#include "server/store/ledger.h"
#include "server/store/spool.h"

namespace atl::server {

class RunStore {
 public:
  // Opens or makes the folder. The newest committed checkpoint whose hash is right becomes current;
  // damaged ones are reported and passed over, and their rounds will be done again. kConfig when
  // the folder holds a run with another config hash.
  static Result<std::unique_ptr<RunStore>> open(const std::string& folder,
                                                const std::string& config_toml, uint32_t keep);

  bool has_model() const { return model_ != nullptr; }
  uint32_t round() const { return round_; }  // of the current model; 0: the initial one
  std::shared_ptr<const SafetensorsFile> model() const { return model_; }
  const Digest& model_digest() const { return digest_; }
  // What goes with the model over the wire (common/core/transfer_hash.h).
  const Digest& transfer_digest() const { return transfer_digest_; }
  const std::string& model_path() const { return path_; }
  const std::string& config_sha256() const { return config_sha256_; }

  // Writes the checkpoint of a round without making it current. `fill` as for write_safetensors.
  Result<Digest> write_checkpoint(uint32_t round, const Manifest& manifest, const FlatSource& fill);
  // Then, once the ledger has the commit: makes it current, prunes older ones and delivers the
  // commit's lines to metrics.jsonl. `digest`: what write_checkpoint returned.
  Status adopt(uint32_t round, const Digest& digest);

  Ledger& ledger() { return *ledger_; }
  // Of this run and no other, from its first start on.
  const std::string& identity() const { return identity_; }
  // Appends the lines of commits to metrics.jsonl. Lines that cannot be written now are kept, and
  // tried again with the next ones.
  void deliver_lines();

  const std::shared_ptr<Spool>& spool() const { return spool_; }
  // Appends a line of JSON. `json` is one object without a line break.
  Status append_metrics(const std::string& json);
  Status write_status(const std::string& json);
  const std::string& folder() const { return folder_; }

 private:
  RunStore() = default;
  std::string checkpoint_path(uint32_t round) const;
  // Without a digest the data are read and hashed.
  Status make_current(uint32_t round, std::optional<Digest> digest);
  Status recover();
  Status append(const std::string& lines);

  std::string folder_;
  std::string config_sha256_, identity_;
  uint32_t keep_ = 2;
  uint32_t round_ = 0;
  std::shared_ptr<const SafetensorsFile> model_;
  Digest digest_{}, transfer_digest_{};
  Digest written_{};  // transfer digest of the checkpoint written last
  std::string path_;
  std::shared_ptr<Spool> spool_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace atl::server
