#include "common/net/identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <memory>

#include "common/core/hash.h"

namespace atl::net {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

Error failed(const std::string& what) {
  char text[256] = "";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return Error(ErrorCode::kIdentity, what + (text[0] != 0 ? std::string(": ") + text : ""));
}

Key make_key() { return Key(EVP_EC_gen("P-256")); }

template <typename F>
std::string to_pem(F write) {
  Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
  return to_pem([key](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}
std::string pem_of(X509* certificate) {
  return to_pem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

Bio bio_of(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}
Certificate read_certificate(const std::string& pem) {
  return Certificate(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
}
Key read_key(const std::string& pem) {
  return Key(PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, nullptr, nullptr));
}

bool set_name(X509_NAME* name, const std::string& common_name) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

std::string name_of(const X509_NAME* name) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(const_cast<X509_NAME*>(name), NID_commonName, text, sizeof(text));
  return text;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool set_time(ASN1_TIME* out, WallTime time) {
  return ASN1_TIME_set(out, std::chrono::system_clock::to_time_t(time)) != nullptr;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

// Clocks of other machines may be a little behind.
constexpr std::chrono::minutes kEarlier{10};

struct Extension {
  int nid;
  std::string value;
};

// A certificate over `key`, signed by the issuer (itself when issuer is null).
Certificate make_certificate(EVP_PKEY* key, const std::string& common_name, X509* issuer,
                             EVP_PKEY* issuer_key, WallTime now, std::chrono::seconds validity,
                             const std::vector<Extension>& extensions) {
  Certificate certificate(X509_new());
  unsigned char serial[16];
  if (certificate == nullptr || RAND_bytes(serial, sizeof(serial)) != 1) return nullptr;
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509* signer = issuer != nullptr ? issuer : certificate.get();
  bool good = X509_set_version(certificate.get(), 2) == 1 &&
              set_time(X509_getm_notBefore(certificate.get()), now - kEarlier) &&
              set_time(X509_getm_notAfter(certificate.get()), now + validity) &&
              X509_set_pubkey(certificate.get(), key) == 1 &&
              set_name(X509_get_subject_name(certificate.get()), common_name) &&
              X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1;
  for (const auto& extension : extensions) {
    good = good && add_extension(certificate.get(), signer, extension.nid, extension.value);
  }
  good = good && add_extension(certificate.get(), signer, NID_subject_key_identifier, "hash") &&
         add_extension(certificate.get(), signer, NID_authority_key_identifier, "keyid:always") &&
         X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0;
  return good ? std::move(certificate) : nullptr;
}

bool is_ip(const std::string& name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

// Only letters that cannot end a value in OpenSSL's extension syntax.
bool is_host(const std::string& name) {
  for (char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-' && c != ':')
      return false;
  }
  return !name.empty();
}

}  // namespace

Result<KeyAndCertificate> create_authority(const std::string& name, WallTime now,
                                           std::chrono::hours validity) {
  Key key = make_key();
  if (key == nullptr) return failed("cannot make a key");
  auto certificate = make_certificate(key.get(), name, nullptr, key.get(), now, validity,
                                      {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                       {NID_key_usage, "critical,keyCertSign,cRLSign"}});
  if (certificate == nullptr) return failed("cannot make the authority's certificate");
  return KeyAndCertificate{pem_of(key.get()), pem_of(certificate.get())};
}

Result<KeyAndCertificate> issue_server_certificate(const KeyAndCertificate& authority,
                                                   const std::vector<std::string>& names,
                                                   WallTime now, std::chrono::hours validity) {
  Certificate issuer = read_certificate(authority.certificate_pem);
  Key issuer_key = read_key(authority.key_pem);
  Key key = make_key();
  if (issuer == nullptr || issuer_key == nullptr || key == nullptr)
    return failed("cannot use the authority's key");
  std::string alternatives = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const auto& name : names) {
    if (!is_host(name))
      return Error(ErrorCode::kUsage, "\"" + name + "\" is neither a host name nor an address");
    alternatives += (is_ip(name) ? ",IP:" : ",DNS:") + name;
  }
  auto certificate = make_certificate(key.get(), names.empty() ? "localhost" : names.front(),
                                      issuer.get(), issuer_key.get(), now, validity,
                                      {{NID_basic_constraints, "critical,CA:FALSE"},
                                       {NID_key_usage, "critical,digitalSignature"},
                                       {NID_ext_key_usage, "serverAuth"},
                                       {NID_subject_alt_name, alternatives}});
  if (certificate == nullptr) return failed("cannot make the server's certificate");
  return KeyAndCertificate{pem_of(key.get()), pem_of(certificate.get())};
}

Result<std::string> make_request(const std::string& key_pem, const std::string& common_name) {
  const Key key = read_key(key_pem);
  const Request request(X509_REQ_new());
  if (key == nullptr || request == nullptr ||
      !set_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0) {
    return failed("cannot make a certificate request");
  }
  return to_pem([&request](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}

Result<KeyAndRequest> make_key_and_request(const std::string& common_name) {
  const Key key = make_key();
  if (key == nullptr) return failed("cannot make a key");
  KeyAndRequest made;
  made.key_pem = pem_of(key.get());
  ATOLL_ASSIGN(made.request_pem, make_request(made.key_pem, common_name));
  return made;
}

namespace {

Result<Request> read_request(const std::string& pem, const std::string& common_name) {
  Request request(PEM_read_bio_X509_REQ(bio_of(pem).get(), nullptr, nullptr, nullptr));
  if (request == nullptr) return failed("the certificate request cannot be read");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    return failed("the certificate request is not signed by its own key");
  }
  if (EVP_PKEY_get_bits(key) < 256 || EVP_PKEY_get_security_bits(key) < 112)
    return failed("the request's key is too weak");
  if (name_of(X509_REQ_get_subject_name(request.get())) != common_name) {
    return Error(ErrorCode::kIdentity, "the certificate request names somebody else");
  }
  return request;
}

std::string digest_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  const auto digest = sha256({reinterpret_cast<const std::byte*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return hex(digest);
}

}  // namespace

Result<std::string> key_of_request(const std::string& request_pem, const std::string& common_name) {
  ATOLL_ASSIGN(const auto request, read_request(request_pem, common_name));
  return digest_of(X509_REQ_get0_pubkey(request.get()));
}

Result<std::string> sign_client_request(const KeyAndCertificate& authority,
                                        const std::string& request_pem,
                                        const std::string& common_name, WallTime now,
                                        std::chrono::seconds validity) {
  Certificate issuer = read_certificate(authority.certificate_pem);
  Key issuer_key = read_key(authority.key_pem);
  if (issuer == nullptr || issuer_key == nullptr) return failed("cannot use the authority's key");
  ATOLL_ASSIGN(const auto request, read_request(request_pem, common_name));
  auto certificate = make_certificate(X509_REQ_get0_pubkey(request.get()), common_name,
                                      issuer.get(), issuer_key.get(), now, validity,
                                      {{NID_basic_constraints, "critical,CA:FALSE"},
                                       {NID_key_usage, "critical,digitalSignature"},
                                       {NID_ext_key_usage, "clientAuth"}});
  if (certificate == nullptr) return failed("cannot sign the client's certificate");
  return pem_of(certificate.get());
}

Result<CertificateInfo> check_certificate(const std::string& certificate_pem,
                                          const std::string& authority_pem,
                                          const std::string& request_pem,
                                          const std::string& common_name) {
  ATOLL_ASSIGN(auto info, certificate_info(certificate_pem));
  ATOLL_ASSIGN(const auto key, key_of_request(request_pem, common_name));
  const Certificate authority = read_certificate(authority_pem);
  const Certificate certificate = read_certificate(certificate_pem);
  if (info.key != key || info.common_name != common_name)
    return Error(ErrorCode::kIdentity, "the certificate is not the one that was asked for");
  if (authority == nullptr ||
      X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) != 1) {
    return failed("the certificate is not of this federation's authority");
  }
  return info;
}

Result<CertificateInfo> certificate_info(const std::string& certificate_pem) {
  Certificate certificate = read_certificate(certificate_pem);
  if (certificate == nullptr) return failed("the certificate cannot be read");
  CertificateInfo info;
  info.common_name = name_of(X509_get_subject_name(certificate.get()));
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr);
  char* text = BN_bn2hex(number);
  info.serial = text;
  OPENSSL_free(text);
  BN_free(number);
  Digest digest{};
  X509_digest(certificate.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()),
              nullptr);
  info.fingerprint = hex(digest);
  info.not_before = time_of(X509_get0_notBefore(certificate.get()));
  info.not_after = time_of(X509_get0_notAfter(certificate.get()));
  info.key = digest_of(X509_get0_pubkey(certificate.get()));
  const auto lifetime = info.not_after - info.not_before - kEarlier;
  info.lifetime = std::chrono::duration_cast<std::chrono::seconds>(lifetime);
  return info;
}

}  // namespace atl::net
