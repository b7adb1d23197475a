// An S3 server for the tests' backups: buckets in a folder, any credentials, no TLS.
//
//	s3 ADDRESS FOLDER BUCKET…
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	backend := s3mem.New()
	for _, bucket := range os.Args[2:] {
		if err := backend.CreateBucket(bucket); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe(os.Args[1], gofakes3.New(backend).Server()))
}
